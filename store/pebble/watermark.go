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

// The watermark file: group(8) magic(4) check value of both(4). It is written in place after
// each sync, and synced itself once a second. An engine takes damage at the end of its log for
// a write that a crash cut off; the watermark tells the two apart.
const (
	watermarkSize  = 16
	watermarkMagic = 0x4d464c44
)

type watermark struct {
	mu    sync.Mutex
	f     vfs.File
	group uint64
	dirty bool
	buf   [watermarkSize]byte
}

func openWatermark(fsys vfs.FS, name string, log *slog.Logger) (*watermark, error) {
	w := new(watermark)
	old, err := readAll(fsys, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case len(old) < watermarkSize:
		log.Warn("store: the watermark is incomplete, the end of the log is not checked", "bytes", len(old))
	case binary.BigEndian.Uint32(old[8:]) != watermarkMagic || binary.BigEndian.Uint32(old[12:]) != store.MsgSum(0, old[:12]):
		log.Warn("store: the watermark is damaged, the end of the log is not checked")
	default:
		w.group = binary.BigEndian.Uint64(old)
	}
	if w.f, err = fsys.OpenReadWrite(name, vfs.WriteCategoryUnspecified); err != nil {
		return nil, fmt.Errorf("watermark: %w", err)
	}
	return w, nil
}

// raise writes the number of a group that was synced.
func (w *watermark) raise(group uint64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.group, w.dirty = group, true
	binary.BigEndian.PutUint64(w.buf[:], group)
	binary.BigEndian.PutUint32(w.buf[8:], watermarkMagic)
	binary.BigEndian.PutUint32(w.buf[12:], store.MsgSum(0, w.buf[:12]))
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

func (w *watermark) close() error { return errors.Join(w.sync(), w.f.Close()) }
