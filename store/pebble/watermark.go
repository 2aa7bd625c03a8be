package pebble

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/manifoldmq/manifold/store"
)

// The watermark file says what was on disk for certain:
//
//	group(8)         number of the last group that was synced
//	name length(1), name(31), size(8), sum(4)
//	                 the engine's manifest, as far as it was synced, with its CRC-32C
//	magic(4) check value of all before(4)
//
// It is written in place after each sync, and synced itself once a second. The engine takes
// damage near the end of its log or manifest for a write that a crash cut off, and would open
// without what followed; the watermark tells the two apart.
const (
	watermarkSize  = 8 + 1 + manifestName + 8 + 4 + 4 + 4
	watermarkMagic = 0x4d464c44
	manifestName   = 31
)

type watermark struct {
	mu    sync.Mutex
	f     vfs.File
	group uint64
	file  manifest // as of the last run, then of this one
	dirty bool
	buf   [watermarkSize]byte
}

// readWatermark reads what the last run left. A new store has none.
func readWatermark(fsys vfs.FS, name string, log *slog.Logger) (*watermark, error) {
	w := new(watermark)
	p, err := readAll(fsys, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case len(p) < watermarkSize:
		log.Warn("store: the watermark is incomplete, the end of the log is not checked", "bytes", len(p))
	case !w.decode(p[:watermarkSize]):
		log.Warn("store: the watermark is damaged, the end of the log is not checked")
	}
	return w, nil
}

func (w *watermark) decode(p []byte) bool {
	check := watermarkSize - 4
	if binary.BigEndian.Uint32(p[check-4:]) != watermarkMagic || binary.BigEndian.Uint32(p[check:]) != store.MsgSum(0, p[:check]) {
		return false
	}
	w.group = binary.BigEndian.Uint64(p)
	w.file = manifest{
		name: string(p[9 : 9+min(p[8], manifestName)]),
		size: int64(binary.BigEndian.Uint64(p[40:])),
		sum:  binary.BigEndian.Uint32(p[48:]),
	}
	return true
}

func (w *watermark) encode() {
	p := w.buf[:]
	clear(p)
	binary.BigEndian.PutUint64(p, w.group)
	p[8] = byte(copy(p[9:9+manifestName], w.file.name))
	binary.BigEndian.PutUint64(p[40:], uint64(w.file.size))
	binary.BigEndian.PutUint32(p[48:], w.file.sum)
	check := watermarkSize - 4
	binary.BigEndian.PutUint32(p[check-4:], watermarkMagic)
	binary.BigEndian.PutUint32(p[check:], store.MsgSum(0, p[:check]))
}

// open makes the file ready to be written.
func (w *watermark) open(fsys vfs.FS, name string) (err error) {
	if w.f, err = fsys.OpenReadWrite(name, vfs.WriteCategoryUnspecified); err != nil {
		return fmt.Errorf("watermark: %w", err)
	}
	return nil
}

// raise writes the number of a group that was synced, and the manifest.
func (w *watermark) raise(group uint64, m manifest) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.group, w.file, w.dirty = group, m, true
	w.encode()
	if _, err := w.f.WriteAt(w.buf[:], 0); err != nil {
		return fmt.Errorf("watermark: %w", err)
	}
	return nil
}

// sync forces it to disk, if it changed.
func (w *watermark) sync() error {
	w.mu.Lock()
	dirty, f := w.dirty, w.f
	w.dirty = false
	w.mu.Unlock()
	if !dirty {
		return nil
	}
	if err := f.SyncData(); err != nil {
		return fmt.Errorf("watermark: %w", err)
	}
	return nil
}

func (w *watermark) close() error {
	if w.f == nil {
		return nil
	}
	return errors.Join(w.sync(), w.f.Close())
}
