package pebble

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	lsm "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/manifoldmq/manifold/store"
)

// formatVersion is the version of keys, values and files. A newer store is refused.
const formatVersion = 1

// engineFormat is pinned, and raised only one release after the release that can read it, so
// that a downgrade by one release works.
const engineFormat = lsm.FormatValueSeparation

const identityMagic = "manifold store"

// identity is what the file STORE says.
type identity struct {
	store  [16]byte
	format uint32
}

// openIdentity reads STORE, or writes it for a new store.
func openIdentity(fsys vfs.FS, dir string) (identity, error) {
	name := fsys.PathJoin(dir, "STORE")
	text, err := readAll(fsys, name)
	if err == nil {
		return parseIdentity(string(text))
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return identity{}, fmt.Errorf("read %s: %w", name, err)
	}
	if _, err := fsys.Stat(fsys.PathJoin(dir, engineDir)); err == nil {
		return identity{}, fmt.Errorf("%w: %s is missing beside the engine's files", store.ErrCorrupt, name)
	}
	id := identity{format: formatVersion}
	rand.Read(id.store[:])
	if err := writeFile(fsys, dir, "STORE", []byte(id.text())); err != nil {
		return identity{}, fmt.Errorf("write %s: %w", name, err)
	}
	return id, nil
}

func (id identity) text() string {
	s := fmt.Sprintf("%s\nformat %d\nengine pebble %d\nid %x\n", identityMagic, id.format, engineFormat, id.store)
	return s + fmt.Sprintf("check %08x\n", store.MsgSum(0, []byte(s)))
}

func parseIdentity(text string) (id identity, err error) {
	lines := strings.Split(text, "\n")
	if lines[0] != identityMagic {
		return id, fmt.Errorf("%w: file STORE", store.ErrCorrupt)
	}
	body, check, ok := strings.Cut(text, "check ")
	if !ok || strings.TrimSpace(check) != fmt.Sprintf("%08x", store.MsgSum(0, []byte(body))) {
		return id, fmt.Errorf("%w: check value of file STORE", store.ErrCorrupt)
	}
	for _, line := range lines[1:] {
		key, value, _ := strings.Cut(line, " ")
		switch key {
		case "format":
			n, err := strconv.ParseUint(value, 10, 32)
			if err != nil {
				return id, fmt.Errorf("%w: format %q in file STORE", store.ErrCorrupt, value)
			}
			id.format = uint32(n)
		case "id":
			if n, err := hex.Decode(id.store[:], []byte(value)[:min(len(value), 32)]); err != nil || n != len(id.store) {
				return id, fmt.Errorf("%w: id in file STORE", store.ErrCorrupt)
			}
		}
	}
	if id.format == 0 {
		return id, fmt.Errorf("%w: no format in file STORE", store.ErrCorrupt)
	}
	if id.format > formatVersion {
		return id, fmt.Errorf("%w: store format %d, known is %d", store.ErrFormat, id.format, formatVersion)
	}
	return id, nil
}
