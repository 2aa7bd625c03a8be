package pebble

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/batchrepr"
	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/internal/salvage"
)

// records copies a log or manifest to the work directory: as it is when it is whole, otherwise
// the records that are.
func (r *repair) records(name, from, to string) error {
	p, err := readAll(r.fs, from)
	if err != nil {
		return err
	}
	number := uint32(0) // a manifest has none
	if base, ok := strings.CutSuffix(name, ".log"); ok {
		n, err := strconv.ParseUint(base, 10, 64)
		if err != nil {
			return fmt.Errorf("%w: log %q", store.ErrCorrupt, name)
		}
		number = uint32(n)
	}
	var commits []commit
	gaps, err := salvage.Records(p, number, func(record []byte) error {
		if number != 0 {
			commits = append(commits, readCommit(record))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(gaps) == 0 {
		return vfs.LinkOrCopy(r.fs, from, to)
	}
	for _, g := range gaps {
		what := fmt.Sprintf("damaged up to byte %d", g.To)
		if number != 0 {
			what += lostCommits(commits, g.Records)
		}
		r.problem(store.Problem{Fatal: true, File: name, Offset: int64(g.From), What: what})
	}
	if err := r.quarantine.file(from); err != nil {
		return err
	}
	return r.rewrite(p, number, to)
}

// rewrite makes a file of the records of another that are whole.
func (r *repair) rewrite(p []byte, number uint32, to string) error {
	f, err := r.fs.Create(to, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	w := record.NewWriter(f)
	_, err = salvage.Records(p, number, func(record []byte) error {
		_, err := w.WriteRecord(record)
		return err
	})
	return errors.Join(err, w.Close(), f.Close())
}

// commit is what a record of the log says of itself.
type commit struct {
	group       uint64 // 0: not known
	first, last store.ID
}

// readCommit reads the number of the group that a record holds, and the ids of its messages.
func readCommit(p []byte) commit {
	c := commit{first: math.MaxUint64}
	for r := batchrepr.Read(p); ; {
		_, k, v, ok, err := r.Next()
		if !ok || err != nil {
			return c
		}
		if string(k) == groupKey && len(v) == 8 {
			c.group = binary.BigEndian.Uint64(v)
		}
		if at, ok := parseEntryKey(k); ok && k[0] == entryFamily && v != nil {
			c.first, c.last = min(c.first, at.id), max(c.last, at.id)
		}
	}
}

// lostCommits describes what is missing before the n-th commit.
func lostCommits(commits []commit, n int) string {
	if n == 0 || n >= len(commits) || commits[n-1].group == 0 || commits[n].group <= commits[n-1].group+1 {
		return ""
	}
	text := fmt.Sprintf("; commits %d to %d are lost", commits[n-1].group+1, commits[n].group-1)
	before, after := store.ID(0), store.ID(0)
	for _, c := range commits[:n] {
		before = max(before, c.last)
	}
	for _, c := range commits[n:] {
		if c.last > before {
			after = max(c.first, before+1)
			break
		}
	}
	if before > 0 && after > before+1 {
		text += fmt.Sprintf(", with messages %d to %d", before+1, after-1)
	}
	return text
}
