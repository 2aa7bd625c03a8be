package clienttest

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

// rsaBits is the size of test keys. They are RSA since the Ruby client reads no others, and PKCS #8, which Java reads without help.
const rsaBits = 2048

// PKI are the PEM files of a certificate authority, a server for loopback and one client.
type PKI struct {
	CA                    string
	ServerCert, ServerKey string
	ClientCert, ClientKey string
}

// Client returns the files a client needs, its own certificate included.
func (p PKI) Client() *TLSFiles { return &TLSFiles{CA: p.CA, Cert: p.ClientCert, Key: p.ClientKey} }

// WritePKI makes a certificate authority and lets it sign a server certificate for localhost and 127.0.0.1 and a client
// certificate with the common name clientName. It writes all of them to dir, which must exist.
func WritePKI(dir, clientName string) (PKI, error) {
	w := pkiWriter{dir: dir}
	authority := w.template("Manifold test CA")
	authority.IsCA, authority.BasicConstraintsValid = true, true
	authority.KeyUsage = x509.KeyUsageCertSign
	w.sign("ca", authority)

	server := w.template("localhost")
	server.DNSNames = []string{"localhost"}
	server.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	server.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	w.sign("server", server)

	client := w.template(clientName)
	client.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	w.sign("client", client)
	if w.err != nil {
		return PKI{}, fmt.Errorf("test certificates: %w", w.err)
	}
	return PKI{
		CA:         w.path("ca.pem"),
		ServerCert: w.path("server.pem"), ServerKey: w.path("server.key"),
		ClientCert: w.path("client.pem"), ClientKey: w.path("client.key"),
	}, nil
}

// pkiWriter signs certificates with the first one it was given and keeps the first error.
type pkiWriter struct {
	dir    string
	serial int64
	ca     *x509.Certificate
	caKey  *rsa.PrivateKey
	err    error
}

func (w *pkiWriter) path(name string) string { return filepath.Join(w.dir, name) }

func (w *pkiWriter) template(name string) *x509.Certificate {
	w.serial++
	return &x509.Certificate{
		SerialNumber: big.NewInt(w.serial),
		Subject:      pkix.Name{CommonName: name, Organization: []string{"Manifold tests"}},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
}

func (w *pkiWriter) sign(name string, template *x509.Certificate) {
	if w.err != nil {
		return
	}
	key, err := rsa.GenerateKey(rand.Reader, rsaBits)
	if err != nil {
		w.err = err
		return
	}
	if w.ca == nil {
		w.ca, w.caKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, w.ca, &key.PublicKey, w.caKey)
	if err != nil {
		w.err = err
		return
	}
	text, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		w.err = err
		return
	}
	w.write(name+".pem", "CERTIFICATE", der)
	w.write(name+".key", "PRIVATE KEY", text)
}

func (w *pkiWriter) write(name, kind string, der []byte) {
	if w.err == nil {
		w.err = os.WriteFile(w.path(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
	}
}
