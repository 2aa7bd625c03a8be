package security

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// What a bcrypt hash looks like: $2b$10$ and 22 characters of salt and 31 of hash.
const (
	minCost     = 4
	maxCost     = 16 // some seconds; a typing error must not stop all logins for hours
	hashLen     = 60
	saltAndHash = 53
)

// passwordLen is the longest password that bcrypt tells from others, in bytes.
const passwordLen = 72

// Hash returns the bcrypt hash of a password for [User] and for a file of users. It takes about
// 50 ms of CPU.
func Hash(password string) (string, error) {
	switch {
	case password == "":
		return "", errors.New("the password is empty")
	case len(password) > passwordLen:
		return "", fmt.Errorf("the password is longer than %d bytes, which bcrypt can't tell apart", passwordLen)
	}
	h, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	return string(h), err
}

// isHash reports whether a text is meant to be a bcrypt hash.
func isHash(s string) bool {
	return len(s) > 3 && strings.HasPrefix(s, "$2") && (s[2] == '$' || s[3] == '$')
}

// checkHash returns the cost of a bcrypt hash, or what is wrong with it. The error does not hold
// the hash.
func checkHash(s string) (cost int, err error) {
	if !isHash(s) {
		return 0, errors.New("the password is not a bcrypt hash")
	}
	if v := s[:4]; v != "$2a$" && v != "$2b$" && v != "$2y$" {
		return 0, fmt.Errorf("the bcrypt hash is of version %s; only 2a, 2b and 2y are known", strings.Trim(v, "$"))
	}
	if len(s) != hashLen || strings.Trim(s[hashLen-saltAndHash:], "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") != "" {
		return 0, errors.New("the bcrypt hash is damaged")
	}
	if cost, err = bcrypt.Cost([]byte(s)); err != nil {
		return 0, errors.New("the bcrypt hash is damaged")
	}
	if cost < minCost || cost > maxCost {
		return 0, fmt.Errorf("the bcrypt hash has cost %d; %d to %d are accepted", cost, minCost, maxCost)
	}
	return cost, nil
}
