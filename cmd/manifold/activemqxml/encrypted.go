package activemqxml

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// EncryptionVariable is the environment variable that ActiveMQ reads the key of encrypted
// properties from.
const EncryptionVariable = "ACTIVEMQ_ENCRYPTION_PASSWORD"

// encryptedRounds is how often Jasypt hashes the password, in either of its algorithms.
const encryptedRounds = 1000

// decrypt returns what a property of the form ENC(...) stands for, and any other as it is.
func (c *converter) decrypt(name, v string) (string, error) {
	inner, ok := strings.CutPrefix(v, "ENC(")
	if inner, ok = cutSuffix(inner, ")", ok); !ok {
		return v, nil
	}
	key := c.in.Environment[EncryptionVariable]
	if key == "" {
		return "", fmt.Errorf("%.80s is encrypted; the environment variable %s has to hold the password that it was encrypted with", name, EncryptionVariable)
	}
	text, err := decrypt(key, inner)
	if err != nil {
		return "", fmt.Errorf("%.80s is encrypted, and not with the password in %s", name, EncryptionVariable)
	}
	return text, nil
}

func cutSuffix(s, suffix string, ok bool) (string, bool) {
	if !ok {
		return s, false
	}
	return strings.CutSuffix(s, suffix)
}

var errPadding = errors.New("bad padding")

// decrypt undoes what `activemq encrypt` does: since 5.16.1 with PBEWITHHMACSHA256ANDAES_256 if it is told
// to, and before and by default with PBEWithMD5AndDES. What the text is does not show, so both are
// tried.
func decrypt(password, text string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil {
		return "", err
	}
	if n := len(raw) - 2*aes.BlockSize; n > 0 && n%aes.BlockSize == 0 {
		salt, iv := raw[:aes.BlockSize], raw[aes.BlockSize:2*aes.BlockSize]
		if key, err := pbkdf2.Key(sha256.New, password, salt, encryptedRounds, 32); err == nil {
			if block, err := aes.NewCipher(key); err == nil {
				if plain, err := unblock(block, iv, raw[2*aes.BlockSize:]); err == nil {
					return plain, nil
				}
			}
		}
	}
	if n := len(raw) - des.BlockSize; n <= 0 || n%des.BlockSize != 0 {
		return "", errPadding
	}
	sum := md5.Sum(append([]byte(password), raw[:des.BlockSize]...))
	for range encryptedRounds - 1 {
		sum = md5.Sum(sum[:])
	}
	block, err := des.NewCipher(sum[:8])
	if err != nil {
		return "", err
	}
	return unblock(block, sum[8:], raw[des.BlockSize:])
}

// unblock decrypts blocks that are chained, and takes the padding off.
func unblock(block cipher.Block, iv, text []byte) (string, error) {
	plain := make([]byte, len(text))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, text)
	pad := int(plain[len(plain)-1])
	if pad == 0 || pad > block.BlockSize() || pad > len(plain) {
		return "", errPadding
	}
	for _, b := range plain[len(plain)-pad:] {
		if int(b) != pad {
			return "", errPadding
		}
	}
	return string(plain[:len(plain)-pad]), nil
}
