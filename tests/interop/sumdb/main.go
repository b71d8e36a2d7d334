// Go's golang.org/x/mod/sumdb/{note,tlog} against a log of Tabir: README.md says what it is told and what it prints.
package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8 // of a C2SP tile: 256 hashes

type keys struct {
	Origin    string
	Log       string
	Witnesses []string
	Quorum    int
}

// A cosigner is a note.Verifier for C2SP cosignature/v1 keys, which the package leaves to its callers.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func newCosigner(vkey string) (*cosigner, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, errors.New("malformed witness key")
	}
	hash, err := strconv.ParseUint(parts[1], 16, 32)
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 1+ed25519.PublicKeySize || key[0] != 4 {
		return nil, errors.New("not a cosignature/v1 key")
	}
	return &cosigner{parts[0], uint32(hash), key[1:]}, nil
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.hash }

func (c *cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	head := fmt.Sprintf("cosignature/v1\ntime %d\n", binary.BigEndian.Uint64(sig))
	return ed25519.Verify(c.key, append([]byte(head), msg...), sig[8:])
}

// checkpoint opens a note by the log's key and a quorum of witnesses.
func (k *keys) checkpoint(data []byte) (tree tlog.Tree, err error) {
	log, err := note.NewVerifier(k.Log)
	if err != nil {
		return tree, err
	}
	known := []note.Verifier{log}
	for _, vkey := range k.Witnesses {
		witness, err := newCosigner(vkey)
		if err != nil {
			return tree, err
		}
		known = append(known, witness)
	}
	n, err := note.Open(data, note.VerifierList(known...))
	if err != nil {
		return tree, err
	}
	cosigned, signed := 0, false
	for _, sig := range n.Sigs {
		if sig.Name == log.Name() && sig.Hash == log.KeyHash() {
			signed = true
		} else {
			cosigned++
		}
	}
	if !signed || cosigned < k.Quorum {
		return tree, fmt.Errorf("signed by the log: %v, cosignatures: %d", signed, cosigned)
	}
	// tlog.ParseTree is for go.sum's own first line; here the first is the origin.
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[0] != k.Origin {
		return tree, errors.New("not a checkpoint of this origin")
	}
	tree.N, err = strconv.ParseInt(lines[1], 10, 64)
	if err != nil || strconv.FormatInt(tree.N, 10) != lines[1] {
		return tree, errors.New("malformed size")
	}
	tree.Hash, err = tlog.ParseHash(lines[2])
	return tree, err
}

// A source is a folder, or an address.
type source string

func (s source) read(path string) ([]byte, error) {
	if !strings.HasPrefix(string(s), "http://") {
		return os.ReadFile(filepath.Join(string(s), path))
	}
	client := http.Client{Timeout: 10 * time.Second}
	answer, err := client.Get(strings.TrimSuffix(string(s), "/") + "/" + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, answer.Status)
	}
	return io.ReadAll(io.LimitReader(answer.Body, 64<<20))
}

// tile reads a tile. C2SP's paths are the package's own, without the height.
func (s source) tile(tile tlog.Tile) ([]byte, error) {
	return s.read(strings.Replace(tile.Path(), "tile/8/", "tile/", 1))
}

// A memory is all hashes of a tree, in the package's order.
type memory []tlog.Hash

func (m memory) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		hashes[i] = m[index]
	}
	return hashes, nil
}

// tilesOf are the tiles of a tree, those at the bottom first. tlog.NewTiles would name every width of a partial one.
func tilesOf(size int64) (tiles []tlog.Tile) {
	for level, count := 0, size; count > 0; level, count = level+1, count>>height {
		for n := int64(0); n<<height < count; n++ {
			width := count - n<<height
			if width > 1<<height {
				width = 1 << height
			}
			tiles = append(tiles, tlog.Tile{H: height, L: level, N: n, W: int(width)})
		}
	}
	return tiles
}

// hashes makes the tree from the tiles at the bottom, and checks root and all other tiles against it. tlog.TileHashReader
// would read less, but up to version 0.39 it does not check every tile that it reads (CVE-2026-56865), and Debian 12 has 0.7.
func (s source) hashes(tree tlog.Tree) (memory, error) {
	all := make(memory, 0, 2*tree.N)
	for _, tile := range tilesOf(tree.N) {
		data, err := s.tile(tile)
		if err != nil {
			return nil, err
		}
		if len(data) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s: %d bytes", tile.Path(), len(data))
		}
		for ; tile.L == 0 && len(data) > 0; data = data[tlog.HashSize:] {
			var leaf tlog.Hash
			copy(leaf[:], data)
			n := tile.N<<height + int64(tile.W) - int64(len(data)/tlog.HashSize)
			more, err := tlog.StoredHashesForRecordHash(n, leaf, all)
			if err != nil {
				return nil, err
			}
			all = append(all, more...)
		}
	}
	root, err := tlog.TreeHash(tree.N, all)
	if err != nil {
		return nil, err
	}
	if root != tree.Hash {
		return nil, errors.New("the tiles are of another root")
	}
	for _, tile := range tilesOf(tree.N) {
		data, err := s.tile(tile)
		if err != nil {
			return nil, err
		}
		want, err := tlog.ReadTileData(tile, all)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(data, want) {
			return nil, fmt.Errorf("%s is of another tree", tile.Path())
		}
	}
	return all, nil
}

// bundle reads entries: each has its length, 2 bytes, before it.
func (s source) bundle(index int64, width int) (entries [][]byte, err error) {
	tile := tlog.Tile{H: height, L: -1, N: index, W: width}
	data, err := s.read(strings.Replace(tile.Path(), "tile/8/data/", "tile/entries/", 1))
	if err != nil {
		return nil, err
	}
	for len(data) > 0 {
		if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
			return nil, errors.New("an entry is cut short")
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		entries, data = append(entries, data[2:end]), data[end:]
	}
	if len(entries) != width {
		return nil, fmt.Errorf("%d entries for %d", len(entries), width)
	}
	return entries, nil
}

// verify says how many entries and kept checkpoints it read, or at which step it failed.
func verify(k *keys, s source) (entries int64, kept int, step string, err error) {
	data, err := s.read("checkpoint")
	if err != nil {
		return 0, 0, "checkpoint", err
	}
	tree, err := k.checkpoint(data)
	if err != nil {
		return 0, 0, "checkpoint", err
	}
	hashes, err := s.hashes(tree)
	if err != nil {
		return 0, 0, "tiles", err
	}
	for start := int64(0); start < tree.N; start += 1 << height {
		width := tree.N - start
		if width > 1<<height {
			width = 1 << height
		}
		bundle, err := s.bundle(start>>height, int(width))
		if err != nil {
			return 0, 0, "entries", err
		}
		for i, entry := range bundle {
			if tlog.RecordHash(entry) != hashes[tlog.StoredHashIndex(0, start+int64(i))] {
				return 0, 0, "entries", fmt.Errorf("entry %d is not the one in the tree", start+int64(i))
			}
		}
		// The first and the last of each bundle once more, by a proof of its own.
		for _, n := range []int64{start, start + width - 1} {
			proof, err := tlog.ProveRecord(tree.N, n, hashes)
			if err == nil {
				err = tlog.CheckRecord(proof, tree.N, tree.Hash, n, tlog.RecordHash(bundle[n-start]))
			}
			if err != nil {
				return 0, 0, "entries", err
			}
		}
	}
	kept, err = verifyKept(k, s, tree, hashes)
	return tree.N, kept, "kept", err
}

// verifyKept checks that the newest tree extends each kept checkpoint's.
func verifyKept(k *keys, s source, tree tlog.Tree, hashes tlog.HashReader) (int, error) {
	data, err := s.read("checkpoints.json")
	if err != nil {
		return 0, err
	}
	var list struct{ Sizes []int64 }
	if err := json.Unmarshal(data, &list); err != nil {
		return 0, err
	}
	for _, size := range list.Sizes {
		data, err := s.read(fmt.Sprintf("checkpoints/%d", size))
		if err != nil {
			return 0, err
		}
		old, err := k.checkpoint(data)
		if err != nil {
			return 0, fmt.Errorf("%d: %w", size, err)
		}
		if old.N != size {
			return 0, fmt.Errorf("%d: has size %d", size, old.N)
		}
		if size == 0 {
			continue // the package proves nothing from the empty tree
		}
		proof, err := tlog.ProveTree(tree.N, old.N, hashes)
		if err == nil {
			err = tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash)
		}
		if err != nil {
			return 0, fmt.Errorf("%d: %w", size, err)
		}
	}
	return len(list.Sizes), nil
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: main KEYS.JSON LOG...")
		os.Exit(2)
	}
	data, err := os.ReadFile(os.Args[1])
	var k keys
	if err == nil {
		err = json.NewDecoder(bytes.NewReader(data)).Decode(&k)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	for _, log := range os.Args[2:] {
		name := filepath.Base(log)
		entries, kept, step, err := verify(&k, source(log))
		if err != nil {
			fmt.Printf("%s: rejected: %s: %v\n", name, step, err)
		} else {
			fmt.Printf("%s: accepted: %d entries, %d kept checkpoints\n", name, entries, kept)
		}
	}
}
