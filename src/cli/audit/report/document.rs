//! A report as titles and tables, in the words of one language: what every format but JSON is written from. Cells hold
//! texts that others wrote (codes, names, versions): each format keeps them from being anything but text.

/// The whole of it.
pub struct Document {
    /// `id` or `en`.
    pub language: &'static str,
    /// First line.
    pub title: String,
    /// Below it.
    pub notes: Vec<String>,
    /// In their order.
    pub sections: Vec<Section>,
}

/// One table.
pub struct Section {
    /// Above it.
    pub title: String,
    /// What it does not say by itself.
    pub note: Option<String>,
    /// One for each column.
    pub head: Vec<String>,
    /// As many cells each.
    pub rows: Vec<Vec<String>>,
    /// Instead of an empty table.
    pub none: &'static str,
}
