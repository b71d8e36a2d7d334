// Hashes leaves into a tree with golang.org/x/mod/sumdb/tlog, all hashes kept, and prints nanoseconds and root.
package main

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

type memory []tlog.Hash

func (m memory) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		hashes[i] = m[index]
	}
	return hashes, nil
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func main() {
	leaves, err := strconv.ParseInt(os.Args[1], 10, 64)
	if err != nil {
		fatal(err)
	}
	length, err := strconv.Atoi(os.Args[2])
	if err != nil {
		fatal(err)
	}
	leaf := make([]byte, length)
	for i := range leaf {
		leaf[i] = 7
	}
	begin := time.Now()
	stored := make(memory, 0, 2*leaves)
	for n := int64(0); n < leaves; n++ {
		binary.BigEndian.PutUint64(leaf, uint64(n))
		hashes, err := tlog.StoredHashes(n, leaf, stored)
		if err != nil {
			fatal(err)
		}
		stored = append(stored, hashes...)
	}
	root, err := tlog.TreeHash(leaves, stored)
	if err != nil {
		fatal(err)
	}
	fmt.Println(time.Since(begin).Nanoseconds(), hex.EncodeToString(root[:]))
}
