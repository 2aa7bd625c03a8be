package accounts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// File is a properties file in memory.
type File struct {
	path    string
	entries []entry
}

// Open reads the file at path. One that does not exist yet is empty.
func Open(path string) (*File, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &File{path: path}, nil
	}
	if err != nil {
		return nil, err
	}
	return parseFile(path, string(text))
}

func parseFile(path, text string) (*File, error) {
	entries, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	f := &File{path: path, entries: entries}
	seen := map[string]int{}
	for _, e := range entries {
		if first, dup := seen[e.key]; dup && e.isEntry {
			return nil, fmt.Errorf("%s: line %d: %q is given twice; first in line %d", path, e.line, e.key, first)
		}
		if e.isEntry {
			seen[e.key] = e.line
		}
	}
	return f, nil
}

// Names returns the keys in the order of the file.
func (f *File) Names() []string {
	var names []string
	for _, e := range f.entries {
		if e.isEntry {
			names = append(names, e.key)
		}
	}
	return names
}

// Get returns the value of a key.
func (f *File) Get(name string) (value string, ok bool) {
	if i := f.index(name); i >= 0 {
		return f.entries[i].value, true
	}
	return "", false
}

func (f *File) index(name string) int {
	return slices.IndexFunc(f.entries, func(e entry) bool { return e.isEntry && e.key == name })
}

// Set adds or replaces an entry.
func (f *File) Set(name, value string) {
	e := entry{raw: format(name, value), key: name, value: value, isEntry: true}
	if i := f.index(name); i >= 0 {
		f.entries[i] = e
		return
	}
	if n := len(f.entries); n > 0 && !strings.HasSuffix(f.entries[n-1].raw, "\n") {
		f.entries[n-1].raw += "\n"
	}
	f.entries = append(f.entries, e)
}

// Remove drops an entry and reports whether it was there.
func (f *File) Remove(name string) bool {
	i := f.index(name)
	if i >= 0 {
		f.entries = slices.Delete(f.entries, i, i+1)
	}
	return i >= 0
}

// String returns the file's text.
func (f *File) String() string {
	var b strings.Builder
	for _, e := range f.entries {
		b.WriteString(e.raw)
	}
	return b.String()
}

// Save replaces the file on disk by a new one that only its owner can read. A reader, and a
// crash, see the old file or the new one.
func (f *File) Save() error {
	return WriteSecret(f.path, []byte(f.String()))
}

// WriteSecret writes a file of mode 0600 by way of a temporary one beside it.
func WriteSecret(path string, text []byte) (err error) {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // made with mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temp.Name()))
		}
	}()
	if _, err = temp.Write(text); err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}
