// Package api is the command line's way to a running broker: HTTP under /api/v1/ with the token
// that the broker leaves in its data directory, where only its own user can read it.
package api

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/manifoldmq/manifold/cmd/manifold/accounts"
	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

// TokenFile is the token's file name in the data directory.
const TokenFile = "api.token"

// NewToken returns a fresh random token.
func NewToken() string { return rand.Text() }

// WriteToken puts the token where commands of the same user find it, mode 0600.
func WriteToken(dir, token string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return accounts.WriteSecret(filepath.Join(dir, TokenFile), []byte(token+"\n"))
}

// RemoveToken deletes the token's file at the end of the broker.
func RemoveToken(dir string) error {
	err := os.Remove(filepath.Join(dir, TokenFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// ReadToken returns the token of the broker whose data directory is dir.
func ReadToken(dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, TokenFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", sysexit.Errorf(sysexit.Unavailable, "no broker runs in %s (there is no %s); name its data directory with --data", dir, TokenFile)
	case err != nil:
		return "", err
	}
	token := strings.TrimSpace(string(text))
	if token == "" {
		return "", fmt.Errorf("%s is empty", filepath.Join(dir, TokenFile))
	}
	return token, nil
}
