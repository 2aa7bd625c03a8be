package httpd

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// minToken is the length below which a token can be guessed.
const minToken = 20

// secret compares tokens. Only a hash is kept, so that neither the time of a comparison nor a
// dump of the memory's live objects gives the token away.
type secret struct {
	hash [sha256.Size]byte
	set  bool
}

func newSecret(token string) (secret, error) {
	if token == "" {
		return secret{}, nil
	}
	if len(token) < minToken {
		return secret{}, fmt.Errorf("the API's token has %d characters, fewer than %d", len(token), minToken)
	}
	return secret{sha256.Sum256([]byte(token)), true}, nil
}

// authorized reports whether a request has the token (RFC 6750, 2.1).
func (s *secret) authorized(r *http.Request) bool {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return false
	}
	return s.is(strings.TrimLeft(token, " "))
}

// is reports whether a token is the right one.
func (s *secret) is(token string) bool {
	hash := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(hash[:], s.hash[:]) == 1 && s.set
}

// loadToken reads the token from a file, or makes one with a random token, mode 0600. It refuses
// a file that others can read.
func loadToken(name string) (string, error) {
	info, err := os.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return createToken(name)
	case err != nil:
		return "", fmt.Errorf("token of the API: %w", err)
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("token of the API: %s is not a plain file", name)
	case info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows":
		return "", fmt.Errorf("token of the API: others can read %s (mode %#o); remove it, and the broker makes a new one", name, info.Mode().Perm())
	case info.Size() > 4096:
		return "", fmt.Errorf("token of the API: %s is too long", name)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("token of the API: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" {
		return createToken(name)
	}
	return token, nil
}

// createToken writes a new token beside its place and moves it there, so that nobody reads half
// of one.
func createToken(name string) (token string, err error) {
	token = rand.Text()
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*") // mode 0600
	if err != nil {
		return "", fmt.Errorf("token of the API: %w", err)
	}
	_, err = f.WriteString(token + "\n")
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return "", fmt.Errorf("token of the API: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return token, nil
}
