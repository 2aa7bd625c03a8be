package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/protocols/openwire/jmstest"
	"github.com/manifoldmq/manifold/protocols/stomp/stomptest"
)

// TestKeyStoreBecomesPEM runs the commands that convert prints for a key store of Java's, and connects to
// the broker that has the certificate.
func TestKeyStoreBecomesPEM(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"keytool", "openssl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	dir := t.TempDir()
	run := func(command string) []byte {
		t.Helper()
		cmd := exec.Command("sh", "-c", command)
		cmd.Dir = dir
		var errs bytes.Buffer
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s%s", command, err, out, &errs)
		}
		return out
	}
	run("keytool -genkeypair -keystore broker.ks -storetype JKS -storepass secret -keypass secret -alias broker -keyalg RSA -dname CN=localhost -ext SAN=ip:127.0.0.1")
	authority := run("keytool -exportcert -rfc -keystore broker.ks -storepass secret -alias broker")
	run("keytool -importkeystore -srckeystore broker.ks -srcstorepass secret -destkeystore trust.ks -deststorepass secret -noprompt")
	name := filepath.Join(dir, "activemq.xml")
	text := `<broker xmlns="http://activemq.apache.org/schema/core" persistent="false" dataDirectory="` + dir + `/data">
		<sslContext><sslContext keyStore="file:` + dir + `/broker.ks" keyStorePassword="secret" trustStore="file:` + dir + `/trust.ks" trustStorePassword="secret"/></sslContext>
		<transportConnectors><transportConnector name="stomp" uri="stomp+ssl://127.0.0.1:0?wantClientAuth=true"/></transportConnectors></broker>`
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	commands := 0
	for line := range strings.Lines(manifold(t, "", nil, "convert", name).out) {
		_, command, ok := strings.Cut(strings.TrimSpace(line), "# $ ")
		if !ok {
			continue
		}
		commands++
		// A person is asked for the passwords.
		command = strings.Replace(command, "-importkeystore", "-importkeystore -noprompt -srcstorepass secret -deststorepass secret", 1)
		command = strings.Replace(command, "-list", "-list -storepass secret", 1)
		run(strings.Replace(command, "openssl pkcs12", "openssl pkcs12 -passin pass:secret", 1))
	}
	if commands != 3 {
		t.Fatalf("%d commands", commands)
	}
	s := serveFile(t, name, "MANIFOLD_HTTP_ADDRESS=127.0.0.1:0", "MANIFOLD_BROKER_DRAIN_TIMEOUT=100ms")
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	conn, err := tls.Dial("tcp", s.at["stomp"], &tls.Config{RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

// TestMessagesComeOverFromActiveMQ forwards what waits in a real ActiveMQ by its network connector.
func TestMessagesComeOverFromActiveMQ(t *testing.T) {
	t.Parallel()
	if !jmstest.ActiveMQInstalled() {
		if os.Getenv("MANIFOLD_FOREIGN_CLIENTS") == "required" {
			t.Fatal("Debian's activemq is not installed")
		}
		t.Skip("Debian's activemq is not installed")
	}
	s := serve(t, `
listeners: [{name: auto, address: "127.0.0.1:0", protocols: [auto]}]
http: {address: ""}
store: {path: 'STORE'}
broker: {drain_timeout: 100ms}
`)
	dir := t.TempDir()
	start := func(networks string) (*jmstest.Broker, stomptest.Target) {
		port, stomp := jmstest.FreePort(t), jmstest.FreePort(t)
		b := jmstest.StartActiveMQ(t, dir, jmstest.Config{
			Port: port, Connectors: fmt.Sprintf(`<transportConnector name="stomp" uri="stomp://127.0.0.1:%d"/>`, stomp), Networks: networks,
		})
		jmstest.AwaitPort(t, stomp, nil)
		return b, stomptest.Target{Address: fmt.Sprintf("127.0.0.1:%d", stomp), Peer: stomptest.ActiveMQ}
	}
	before, target := start("")
	c := stomptest.Open(t, target)
	c.Login("1.2")
	c.PutAll("/queue/old.orders", "a b c", "persistent", "true")
	c.Disconnect()
	before.Kill()
	start(`<networkConnector name="over" uri="static:(tcp://` + s.at["auto"] + `)"><staticallyIncludedDestinations><queue physicalName="old.orders"/></staticallyIncludedDestinations></networkConnector>`)
	here := stomptest.Open(t, stomptest.Target{Address: s.at["auto"]})
	here.Login("1.2")
	here.Subscribe("1", "/queue/old.orders")
	if got := here.Bodies(3); got != "a b c" {
		t.Errorf("%s came over", got)
	}
}
