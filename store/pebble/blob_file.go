package pebble

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"runtime"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/manifoldmq/manifold/store"
)

// blobFile is one of the engine's files of large values, opened for reading. The engine (v2.1.7)
// panics where it finds one damaged, in the background too, where nothing could catch it and the
// process would end without a word. So what is read is verified here first, and damage becomes
// an error of the read, which the engine passes on. The engine reads whole blocks:
//
//	data type(1) check value(4), the CRC-32C of data and type, rotated and offset
//
// and the footer: check value(4) of the rest, index offset(8), length(8), kind of check
// values(1), version(1), number(8), magic(8).
type blobFile struct {
	vfs.File
	fs     *engineFS
	name   string
	size   int64
	blocks bool // their check values are of the kind that is known here
}

const (
	blobFooter   = 4 + 8 + 8 + 1 + 1 + 8 + 8
	blobTrailer  = 1 + 4
	blobSumKind  = 4 + 8 + 8
	blobCRC32C   = 1
	blobSumShift = 0xa282ead8
)

// openBlob wraps a file that was opened, or not, with err.
func (f *engineFS) openBlob(file vfs.File, name string, err error) (vfs.File, error) {
	if errors.Is(err, fs.ErrNotExist) { // for which the engine would panic, too
		return nil, fmt.Errorf("%w: file %s is missing", store.ErrCorrupt, name)
	}
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	b := &blobFile{File: file, fs: f, name: name, size: info.Size()}
	var footer [blobFooter]byte
	if b.size >= blobFooter {
		if _, err := file.ReadAt(footer[:], b.size-blobFooter); err != nil {
			return nil, errors.Join(err, file.Close())
		}
		b.blocks = footer[blobSumKind] == blobCRC32C
	}
	return b, nil
}

// ReadAt implements vfs.File.
func (b *blobFile) ReadAt(p []byte, at int64) (int, error) {
	if r := b.fs.rewriting.Load(); r != nil && r.name == b.name && inRewrite() {
		if err := r.verify(b); err != nil {
			return 0, err
		}
	}
	n, err := b.File.ReadAt(p, at)
	if err == nil && !b.good(p, at) {
		err = fmt.Errorf("%w: file %s, %d bytes at %d", store.ErrCorrupt, b.name, len(p), at)
	}
	return n, err
}

func (b *blobFile) good(p []byte, at int64) bool {
	if len(p) == blobFooter && at == b.size-blobFooter {
		return binary.LittleEndian.Uint32(p) == blobSum(p[4:])
	}
	end := len(p) - 4
	return !b.blocks || len(p) < blobTrailer || binary.LittleEndian.Uint32(p[end:]) == blobSum(p[:end])
}

func blobSum(p []byte) uint32 {
	c := store.MsgSum(0, p)
	return (c>>15 | c<<17) + blobSumShift
}

// rewrite is one blob file's being rewritten in the background, to get rid of values that are
// deleted. An error of any read but the first leaves the engine with buffers in use, for which
// it panics. So the first read verifies the whole file, and is the one to fail.
type rewrite struct {
	name string
	once sync.Once
	err  error
}

func (r *rewrite) verify(b *blobFile) error {
	r.once.Do(func() { r.err = b.verify() })
	return r.err
}

// inRewrite reports whether the caller is the engine's rewriting of a blob file, not a reader of
// the same file.
func inRewrite() bool {
	return calledBy(func(f string) bool { return strings.HasSuffix(f, ".runBlobFileRewriteLocked") })
}

// calledBy reports whether the caller's callers include one whose name is as asked for.
func calledBy(name func(string) bool) bool {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(4, pcs[:])])
	for {
		frame, more := frames.Next()
		if name(frame.Function) {
			return true
		}
		if !more {
			return false
		}
	}
}

// maxBlockType is above every way a block may be compressed.
const maxBlockType = 16

// verify checks all blocks of the file. Where one ends is only known from its check value. That
// two blocks look like more, and the rest like damage, takes a chance of one in 2^36 for each
// byte; then a file is not rewritten that could have been.
func (b *blobFile) verify() error {
	var footer [blobFooter]byte
	if _, err := b.File.ReadAt(footer[:], b.size-blobFooter); err != nil {
		return err
	}
	end := b.size - blobFooter
	if !b.blocks || !b.good(footer[:], end) {
		return fmt.Errorf("%w: footer of file %s", store.ErrCorrupt, b.name)
	}
	table := crc32.MakeTable(crc32.Castagnoli)
	in := bufio.NewReaderSize(io.NewSectionReader(b.File, 0, end), 1<<20)
	begin, sum := int64(0), ^uint32(0)
	for at := int64(0); at < end; at++ {
		c, err := in.ReadByte()
		if err != nil {
			return err
		}
		sum = table[byte(sum)^c] ^ sum>>8
		if c >= maxBlockType {
			continue
		}
		check, err := in.Peek(blobTrailer - 1)
		if err != nil {
			break
		}
		if v := ^sum; (v>>15|v<<17)+blobSumShift == binary.LittleEndian.Uint32(check) {
			if _, err := in.Discard(len(check)); err != nil {
				return err
			}
			at += int64(len(check))
			begin, sum = at+1, ^uint32(0)
		}
	}
	if begin != end {
		return fmt.Errorf("%w: file %s from byte %d on", store.ErrCorrupt, b.name, begin)
	}
	return nil
}
