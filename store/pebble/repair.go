package pebble

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"

	lsm "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/manifoldmq/manifold/store"
)

// Repair makes a new store at to.Path, which must be empty or not exist, of all that can be read
// and trusted of the damaged store in the directory from, which is not changed. What is lost or
// left out is told to report, and written to quarantine/REPORT in the new store, beside the bytes
// that were left out. Entries keep their ids, and new ones begin far above. Deletions that were
// lost with a part of the log bring messages back that had been acknowledged.
//
// The new store is checked before Repair returns without an error. It fails with store.ErrLocked
// if the damaged store is in use, store.ErrFormat if a newer program made it, and
// store.ErrCorrupt if the engine can't make anything of its files: then a backup is the answer.
func Repair(ctx context.Context, from string, to Options, report func(store.Problem)) (err error) {
	to.setDefaults()
	if names, err := to.FS.List(to.Path); err == nil && len(names) > 0 {
		return fmt.Errorf("repair: %s: %w", to.Path, store.ErrNotEmpty)
	}
	lock, err := to.FS.Lock(to.FS.PathJoin(from, "LOCK"))
	if err != nil {
		return fmt.Errorf("repair %s: %w: %v", from, store.ErrLocked, err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	r := &repair{ctx: ctx, from: from, to: to, fs: to.FS, report: report}
	r.work = r.fs.PathJoin(to.Path, "repair")
	r.quarantine = quarantine{to.FS, r.fs.PathJoin(to.Path, quarantineDir)}
	if err := makeDir(r.fs, r.work); err != nil {
		return fmt.Errorf("repair: %w", err)
	}
	for _, step := range []func() error{r.identity, r.gather, r.open, r.salvage, r.verify, r.close} {
		if err := step(); err != nil {
			if r.db != nil {
				err = errors.Join(err, guard(r.db.Close))
			}
			return fmt.Errorf("repair %s: %w", from, err)
		}
	}
	return nil
}

// repair is one under way.
type repair struct {
	ctx        context.Context
	from, work string // the damaged store, and where a copy of its engine's files is made
	to         Options
	fs         vfs.FS
	report     func(store.Problem)
	quarantine quarantine
	kept       int // values in quarantine
	text       []byte
	err        error // of the quarantine

	mark *watermark
	db   *lsm.DB // of the copy; for reading
}

// problem tells what was found.
func (r *repair) problem(p store.Problem) {
	r.report(p)
	line, err := json.Marshal(p)
	r.text = append(append(r.text, line...), '\n')
	r.keep(err)
}

// keep notes the first error of keeping damaged data.
func (r *repair) keep(err error) {
	if r.err == nil {
		r.err = err
	}
}

// identity takes over the store's identity, and reads the watermark.
func (r *repair) identity() (err error) {
	name := r.fs.PathJoin(r.from, "STORE")
	text, err := readAll(r.fs, name)
	if err == nil {
		_, err = parseIdentity(string(text))
	}
	switch {
	case err == nil:
		err = writeFile(r.fs, r.to.Path, "STORE", text)
	case errors.Is(err, store.ErrCorrupt) || errors.Is(err, fs.ErrNotExist):
		r.problem(store.Problem{File: "STORE", What: "damaged or missing; the store gets a new identity"})
		_, err = openIdentity(r.fs, r.to.Path)
	}
	if err != nil {
		return err
	}
	r.mark, err = readWatermark(r.fs, r.fs.PathJoin(r.from, "WATERMARK"), slog.New(slog.DiscardHandler))
	if err == nil && r.mark.group == 0 {
		r.problem(store.Problem{File: "WATERMARK", What: "damaged or missing; what the log has lost is not known"})
	}
	return err
}

// gather links the engine's files to the work directory, or copies them. Of a damaged log or
// manifest it makes one of the records that are whole.
func (r *repair) gather() error {
	engine := r.fs.PathJoin(r.from, engineDir)
	if err := r.mark.file.verify(r.fs, engine); errors.Is(err, store.ErrCorrupt) {
		r.problem(store.Problem{Fatal: true, File: r.mark.file.name, What: err.Error()})
	} else if err != nil {
		return err
	}
	names, err := r.fs.List(engine)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		from, to := r.fs.PathJoin(engine, name), r.fs.PathJoin(r.work, name)
		switch {
		case name == "LOCK" || strings.HasPrefix(name, "OPTIONS-"): // the engine needs neither
			continue
		case strings.HasSuffix(name, ".log") || strings.HasPrefix(name, "MANIFEST-"):
			err = r.records(name, from, to)
		default:
			err = vfs.LinkOrCopy(r.fs, from, to)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// open opens the copy.
func (r *repair) open() error {
	o := &lsm.Options{
		FS: r.fs, ReadOnly: true, FormatMajorVersion: engineFormat, Logger: readLog{},
		EventListener: &lsm.EventListener{DataCorruption: func(i lsm.DataCorruptionInfo) {
			r.keep(r.quarantine.file(i.Path))
		}},
	}
	err := guard(func() (err error) { r.db, err = lsm.Open(r.work, o); return err })
	if err != nil {
		return fmt.Errorf("%w: the engine can't open its files, a backup has to be restored: %w", store.ErrCorrupt, err)
	}
	group, err := number(r.db, groupKey)
	if err != nil {
		r.problem(store.Problem{Fatal: true, What: fmt.Sprintf("the number of the last commit is lost: %v", err)})
	} else if group < r.mark.group {
		r.problem(store.Problem{Fatal: true, What: fmt.Sprintf(
			"the end of the log is lost: commits %d to %d were confirmed, and are missing", group+1, r.mark.group)})
	}
	return nil
}

// salvage writes what can be read to the new store.
func (r *repair) salvage() (err error) {
	s, err := Open(r.ctx, r.to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close(context.WithoutCancel(r.ctx))) }()
	if err := s.settle(r.ctx); err != nil {
		return err
	}
	l := &loader{s: s, ctx: r.ctx}
	x := source{ctx: r.ctx, r: r.db, cuts: map[laneID]store.ID{}, out: l, lost: r.lost}
	err = x.walk(truncateFamily, func(k []byte, value func() ([]byte, error)) error {
		v, err := value()
		switch {
		case err != nil:
			return err
		case len(k) != lanePrefix || len(v) != 8 || k[5] > store.MaxPrio:
			return malformed(k)
		}
		x.cuts[laneOf(store.ListID(binary.BigEndian.Uint32(k[1:])), store.MaxPrio-k[5])] = store.ID(binary.BigEndian.Uint64(v))
		return nil
	})
	if err == nil {
		err = x.run()
	}
	if err != nil {
		return err
	}
	reserved, err := number(r.db, reserveKey)
	if err != nil {
		r.problem(store.Problem{What: fmt.Sprintf("the reserved ids are lost: %v", err)})
	}
	return l.close(max(x.next, store.ID(reserved), 1))
}

// lost tells of what is left out, and keeps it.
func (r *repair) lost(d damage) {
	p := store.Problem{Fatal: true, What: fmt.Sprintf("%s: %v", describeKey(d.key), d.err)}
	if d.end != nil {
		p.What = fmt.Sprintf("nothing can be read from %s up to %s: %v", describeBound(d.key), describeBound(d.end), d.err)
	}
	if at, ok := boundEntry(d.key); ok {
		p.List, p.ID = at.list, at.id
	}
	r.problem(p)
	if d.value != nil {
		r.kept++
		r.keep(r.quarantine.value(fmt.Sprintf("%06d", r.kept), d.value, p))
	}
}

// boundEntry reads list and id of a key that bounds a range of entries, as far as it has them.
func boundEntry(k []byte) (entryAt, bool) {
	if len(k) == 0 || k[0] != entryFamily {
		return entryAt{}, false
	}
	var p [entryKeySize]byte
	copy(p[:], k)
	return parseEntryKey(p[:])
}

// describeBound names one end of a range of keys.
func describeBound(k []byte) string {
	if at, ok := boundEntry(k); ok {
		return fmt.Sprintf("list %d, priority %d, message %d", at.list, at.prio, at.id)
	}
	if len(k) == 1 {
		return fmt.Sprintf("the keys %q", k)
	}
	return describeKey(k)
}

// verify opens the new store once more, which drops what nothing refers to, and checks it.
func (r *repair) verify() error {
	s, err := Open(r.ctx, r.to)
	if err != nil {
		return err
	}
	var found []error
	err = s.Check(r.ctx, func(p store.Problem) {
		if p.Fatal {
			found = append(found, fmt.Errorf("the repaired store: %w: %s", store.ErrCorrupt, p.What))
		}
	})
	return errors.Join(errors.Join(found...), err, s.Close(context.WithoutCancel(r.ctx)))
}

// close writes the report and removes the copy.
func (r *repair) close() error {
	err := guard(r.db.Close)
	r.db = nil
	if len(r.text) > 0 && r.err == nil {
		r.err = errors.Join(makeDir(r.fs, r.quarantine.dir), writeFile(r.fs, r.quarantine.dir, "REPORT", r.text))
	}
	return errors.Join(err, r.err, r.fs.RemoveAll(r.work))
}

// readLog is the engine's logger while it only reads. Fatalf returns, so that the read fails or
// panics, and with it the repair.
type readLog struct{}

func (readLog) Infof(string, ...any)  {}
func (readLog) Errorf(string, ...any) {}
func (readLog) Fatalf(string, ...any) {}
