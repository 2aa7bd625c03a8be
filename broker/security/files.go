package security

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"
)

// Files is a [Source] of users in ActiveMQ's users.properties and groups.properties.
type Files struct {
	o        FileOptions
	verifier *verifier

	mu      sync.Mutex
	users   *directory
	checked time.Time
	state   [2]fileState // of users and groups, when they were read
}

// FileOptions are what a [Files] is made from.
type FileOptions struct {
	Users  string // path of a file with lines name=password
	Groups string // path of a file with lines group=user,user; empty: nobody is in a group
	// Watch reads the files again when they have changed. While they can't be read, what was read
	// last holds, and Failed is told why.
	Watch  bool
	Failed func(error)      // nil: nobody is told
	Clock  func() time.Time // nil means time.Now
}

// watchInterval is how often files are looked at, at most.
const watchInterval = time.Second

// fileState is what tells a changed file.
type fileState struct {
	size    int64
	changed time.Time
}

// NewFiles reads the files.
func NewFiles(o FileOptions) (*Files, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	f := &Files{o: o, verifier: newVerifier(o.Clock), checked: o.Clock(), state: o.look()}
	var err error
	f.users, err = o.read()
	return f, err
}

// read reads both files.
func (o *FileOptions) read() (*directory, error) {
	if o.Users == "" {
		return nil, errors.New("users: no file is named")
	}
	return newDirectory(&Options{UsersFile: o.Users, GroupsFile: o.Groups})
}

// look returns what tells whether the files have changed.
func (o *FileOptions) look() (states [2]fileState) {
	for i, path := range []string{o.Users, o.Groups} {
		var info fs.FileInfo
		var err error
		if path != "" {
			if info, err = os.Stat(path); err == nil {
				states[i] = fileState{info.Size(), info.ModTime()}
			}
		}
	}
	return states
}

// current returns the users, from the files if those have changed.
func (f *Files) current() *directory {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.o.Clock()
	if !f.o.Watch || now.Sub(f.checked) < watchInterval {
		return f.users
	}
	f.checked = now
	state := f.o.look()
	if state == f.state {
		return f.users
	}
	users, err := f.o.read()
	if err != nil {
		if f.o.Failed != nil {
			f.o.Failed(err)
		}
		return f.users
	}
	f.users, f.state = users, state
	f.verifier.forget()
	return users
}

// Verify implements [Source].
func (f *Files) Verify(ctx context.Context, name, password string) ([]string, error) {
	users := f.current()
	known, ok, err := users.verify(ctx, f.verifier, name, password)
	switch {
	case err != nil:
		return nil, err
	case ok:
		return users.groups[name], nil
	case known:
		return nil, refused(Credentials{User: name, HasUser: true})
	default:
		return nil, ErrNoUser
	}
}
