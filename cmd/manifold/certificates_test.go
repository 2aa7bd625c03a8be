package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/cmd/manifold/jaas"
	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
	"github.com/manifoldmq/manifold/protocols/clienttest"
	"github.com/manifoldmq/manifold/protocols/openwire/jmstest"
)

// certificateLogins writes a login.config with ActiveMQ's module for certificates, and returns the
// certificates of three clients: one is listed, one matches an expression, one is nobody.
func certificateLogins(t *testing.T, dir string) map[string]clienttest.PKI {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"login.config": `certificates {
  org.apache.activemq.jaas.TextFileCertificateLoginModule required
    org.apache.activemq.jaas.textfiledn.user="dns.properties" org.apache.activemq.jaas.textfiledn.group="dn-groups.properties";
};
activemq { org.apache.activemq.jaas.GuestLoginModule required credentialsInvalidate=true; };
`,
		"dns.properties":       "listed=CN=app, O=Manifold tests\nmachine=/CN=device-[0-9]+, O=.*/\n",
		"dn-groups.properties": "writers=listed,machine\nadmins=listed\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	clients := make(map[string]clienttest.PKI)
	for _, name := range []string{"app", "device-7", "device-x"} {
		at := filepath.Join(dir, name)
		if err := os.Mkdir(at, 0o755); err != nil {
			t.Fatal(err)
		}
		pki, err := clienttest.WritePKI(at, name)
		if err != nil {
			t.Fatal(err)
		}
		clients[name] = pki
	}
	return clients
}

// sendByCertificate sends as each client does, and compares what comes of it. machine is what the
// broker calls the user of the second.
func sendByCertificate(t *testing.T, url, ca, machine string, clients map[string]clienttest.PKI) {
	t.Helper()
	for name, want := range map[string]string{
		"app":      "", // listed: in admins, who may create the queue
		"device-7": "User " + machine + " is not authorized to create: queue://NEW.device-7",
		"device-x": "User name [null] or password is invalid.",
	} {
		r := manifold(t, "", nil, "send", url+"NEW."+name, "x", "--ca", ca, "--cert", clients[name].ClientCert, "--key", clients[name].ClientKey)
		if (r.code == sysexit.OK) != (want == "") || !strings.Contains(r.err, want) {
			t.Errorf("%s: code %d, %s, want %q", name, r.code, r.err, want)
		}
	}
}

// authorities writes the certificates of all authorities into one file.
func authorities(t *testing.T, clients map[string]clienttest.PKI) string {
	t.Helper()
	var all []byte
	for _, pki := range clients {
		text, err := os.ReadFile(pki.CA)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	return file(t, "ca.pem", string(all))
}

// TestLoginConfigCertificates logs in by certificates that a login.config maps to users.
func TestLoginConfigCertificates(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	clients := certificateLogins(t, dir)
	server, ca := clients["app"], authorities(t, clients)
	text := fmt.Sprintf(`
listeners: [{name: auto, address: "127.0.0.1:0", tls: {certificate: '%s', key: '%s', client_ca: '%s', client_auth: optional}}]
http: {address: ""}
store: {engine: memory, path: 'STORE'}
broker: {drain_timeout: 100ms}
security:
  permissions: [{match: "queue://NEW.>", write: [writers], admin: [admins]}, {match: "topic://>", read: ["*"], write: ["*"], admin: ["*"]}]
`, server.ServerCert, server.ServerKey, ca)
	for about, logins := range map[string]string{
		"realm":            "  login_config: '" + dir + "/login.config'\n  login_realm: certificates\n",
		"realm beside one": "  login_config: '" + dir + "/login.config'\n  login_certificate_realm: certificates\n",
		"options":          "  certificates_file: '" + dir + "/dns.properties'\n  groups_file: '" + dir + "/dn-groups.properties'\n",
	} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			s := serve(t, text+logins)
			if about != "realm beside one" { // who is nobody by certificate is a guest there
				sendByCertificate(t, "stomp+ssl://"+s.at["auto"]+"/queue/", ca, "machine", clients)
			}
			for _, url := range []string{"stomp+ssl://%s/queue/NEW.", "ssl://%s/queue/NEW.", "mqtts://%s/NEW/"} {
				at := fmt.Sprintf(url, s.at["auto"])
				r := manifold(t, "", nil, "send", at+"any", "x", "--ca", ca, "--cert", clients["app"].ClientCert, "--key", clients["app"].ClientKey)
				if r.code != sysexit.OK {
					t.Errorf("%s: code %d, %s", at, r.code, r.err)
				}
			}
		})
	}
}

// TestRealmsOfCertificatesAndPasswords holds that a realm in which a certificate alone, or a password
// alone, does not let in is refused: here it would.
func TestRealmsOfCertificatesAndPasswords(t *testing.T) {
	t.Parallel()
	const certificate, password = true, false
	module := func(flag jaas.Flag, kind bool) jaas.Login {
		l := jaas.Login{Flag: flag, Line: 7, Properties: new(jaas.Properties)}
		if kind == certificate {
			l.Properties, l.Certificates = nil, new(jaas.Certificates)
		}
		return l
	}
	for about, c := range map[string]struct {
		realm []jaas.Login
		ok    bool
	}{
		"passwords":                {[]jaas.Login{module(jaas.Required, password), module(jaas.Requisite, password)}, true},
		"certificates":             {[]jaas.Login{module(jaas.Required, certificate)}, true},
		"either":                   {[]jaas.Login{module(jaas.Sufficient, password), module(jaas.Sufficient, certificate)}, true},
		"either, the last decides": {[]jaas.Login{module(jaas.Sufficient, password), module(jaas.Required, certificate)}, true},
		"any":                      {[]jaas.Login{module(jaas.Optional, certificate), module(jaas.Optional, password)}, true},
		"both":                     {[]jaas.Login{module(jaas.Required, certificate), module(jaas.Required, password)}, false},
		"password at least":        {[]jaas.Login{module(jaas.Optional, certificate), module(jaas.Required, password)}, false},
		"certificate at least":     {[]jaas.Login{module(jaas.Requisite, certificate), module(jaas.Optional, password)}, false},
	} {
		if err := checkAlternatives(c.realm); (err == nil) != c.ok {
			t.Errorf("%s: %v", about, err)
		}
	}
}

// TestLoginConfigCertificatesAsActiveMQ gives the same files to Debian's ActiveMQ.
func TestLoginConfigCertificatesAsActiveMQ(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"openssl", "keytool"} {
		_, err := exec.LookPath(name)
		if err == nil && jmstest.ActiveMQInstalled() {
			continue
		}
		if os.Getenv("MANIFOLD_FOREIGN_CLIENTS") == "required" {
			t.Fatalf("ActiveMQ, %s: %v", name, err)
		}
		t.Skip("ActiveMQ is not installed, or no " + name)
	}
	dir := t.TempDir()
	clients := certificateLogins(t, filepath.Join(dir, "conf"))
	server := clients["app"]
	keys, trust := filepath.Join(dir, "keys.p12"), filepath.Join(dir, "trust.p12")
	run := func(name string, args ...string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	run("openssl", "pkcs12", "-export", "-in", server.ServerCert, "-inkey", server.ServerKey, "-name", "server", "-out", keys, "-passout", "pass:changeit")
	for name, pki := range clients {
		run("keytool", "-importcert", "-noprompt", "-alias", name, "-file", pki.CA, "-keystore", trust, "-storetype", "PKCS12", "-storepass", "changeit")
	}
	port := jmstest.FreePort(t)
	jmstest.StartActiveMQ(t, dir, jmstest.Config{
		Port:       jmstest.FreePort(t),
		Connectors: fmt.Sprintf(`<transportConnector name="stomp" uri="stomp+ssl://127.0.0.1:%d?needClientAuth=true"/>`, port),
		SSL:        fmt.Sprintf(`keyStore="file:%s" keyStorePassword="changeit" trustStore="file:%s" trustStorePassword="changeit"`, keys, trust),
		Plugins: `<jaasCertificateAuthenticationPlugin configuration="certificates"/>
<authorizationPlugin><map><authorizationMap><authorizationEntries>
<authorizationEntry queue="NEW.>" write="writers" admin="admins"/><authorizationEntry topic=">" read="*" write="*" admin="*"/>
</authorizationEntries></authorizationMap></map></authorizationPlugin>`,
	})
	jmstest.AwaitPort(t, port, nil)
	sendByCertificate(t, "stomp+ssl://"+net.JoinHostPort("127.0.0.1", fmt.Sprint(port))+"/queue/", server.CA, "CN=device-7, O=Manifold tests", clients)
}
