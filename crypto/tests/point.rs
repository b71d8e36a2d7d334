//! Points from outside: each rule of `Point::lift` on an encoding that breaks this rule alone.

use tabir_crypto::Code;
use tabir_crypto::point::{Point, g2};

/// u of the base point.
fn base() -> [u8; 32] {
    let mut u = [0; 32];
    u[0] = 9;
    u
}

/// The base point is taken, and `change` of it refused with `code`.
fn refuses(change: impl Fn(&mut [u8; 32]), code: Code) {
    assert!(Point::lift(&base()).is_ok());
    let mut u = base();
    change(&mut u);
    assert_eq!(Point::lift(&u).map_err(|e| e.code()), Err(code));
}

#[test]
fn refuses_a_u_coordinate_with_bit_255() {
    refuses(|u| u[31] |= 0x80, Code::Bit255);
}

#[test]
fn refuses_a_u_coordinate_of_the_twist() {
    refuses(|u| u[0] = 2, Code::Twist);
}

#[test]
fn refuses_a_point_of_mixed_order() {
    // the second generator and a point of order 4, (sqrt(-1), 0): inside the curve, outside the subgroup
    use curve25519_dalek::constants::EIGHT_TORSION;
    use curve25519_dalek::edwards::CompressedEdwardsY;
    let inside = CompressedEdwardsY(g2().compress()).decompress().expect("g2 is a point");
    let mixed = inside + EIGHT_TORSION[2];
    assert_eq!(Point::lift(&mixed.to_montgomery().to_bytes()).map_err(|e| e.code()), Err(Code::MixedOrder));
    assert_eq!(Point::decompress(&mixed.compress().0).map_err(|e| e.code()), Err(Code::MixedOrder));
}

#[test]
fn refuses_a_point_of_low_order() {
    refuses(|u| *u = [0; 32], Code::LowOrder);
    refuses(|u| u[0] = 1, Code::LowOrder);
    let mut identity = [0; 32];
    identity[0] = 1;
    assert_eq!(Point::decompress(&identity).map_err(|e| e.code()), Err(Code::LowOrder));
}
