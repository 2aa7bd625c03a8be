package jmstest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// PKI are the files of a test authority, a server on loopback and a client.
type PKI struct {
	CA                    string
	ServerCert, ServerKey string
	ClientCert, ClientKey string
}

// Client returns the files that a client needs.
func (p PKI) Client() *TLSFiles { return &TLSFiles{CA: p.CA, Cert: p.ClientCert, Key: p.ClientKey} }

// WritePKI makes keys and certificates that are valid for a day, as files in dir. Keys are RSA, as PKCS #8, which Java
// reads without help.
func WritePKI(dir string) (PKI, error) {
	path := func(name string) string { return filepath.Join(dir, name) }
	p := PKI{
		CA:         path("ca.pem"),
		ServerCert: path("server.pem"), ServerKey: path("server.key"),
		ClientCert: path("client.pem"), ClientKey: path("client.key"),
	}
	authority := template(1, "test authority")
	authority.IsCA, authority.BasicConstraintsValid, authority.KeyUsage = true, true, x509.KeyUsageCertSign
	server := template(2, "localhost")
	server.DNSNames, server.IPAddresses = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)}
	server.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	client := template(3, "suite client")
	client.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	key, err := sign(p.CA, path("ca.key"), authority, authority, nil)
	if err == nil {
		_, err = sign(p.ServerCert, p.ServerKey, server, authority, key)
	}
	if err == nil {
		_, err = sign(p.ClientCert, p.ClientKey, client, authority, key)
	}
	if err != nil {
		return PKI{}, fmt.Errorf("test certificates: %w", err)
	}
	return p, nil
}

func template(serial int64, name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		Subject:      pkix.Name{CommonName: name, Organization: []string{"Manifold tests"}},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
}

// sign makes a key and a certificate for it, signed by the parent's key, or by its own where that is nil.
func sign(certFile, keyFile string, cert, parent *x509.Certificate, by *rsa.PrivateKey) (*rsa.PrivateKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	if by == nil {
		by = key
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, &key.PublicKey, by)
	if err != nil {
		return nil, err
	}
	text, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		return nil, err
	}
	return key, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text}), 0o600)
}
