package jmstest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/manifoldmq/manifold/protocols/clienttest"
	"github.com/manifoldmq/manifold/protocols/openwire/jmstest"
)

// The user of the suite, whose password has what options and URLs stumble over.
const (
	suiteUser     = "suite"
	suitePassword = `pa:ss wo\rd-1%`
)

// TestActiveMQ runs the suite against Debian's ActiveMQ, plain and with everything that can be asked of a client, which
// proves that the suite tells the truth about it. It takes a minute, and is asked for with MANIFOLD_PEER_ACTIVEMQ=start.
func TestActiveMQ(t *testing.T) {
	if os.Getenv("MANIFOLD_PEER_ACTIVEMQ") != "start" {
		t.Skip("MANIFOLD_PEER_ACTIVEMQ does not say start")
	}
	if !jmstest.ActiveMQInstalled() {
		t.Fatal("ActiveMQ is not installed")
	}
	s := suite(t)
	t.Run("plain", func(t *testing.T) {
		b := jmstest.StartActiveMQ(t, t.TempDir(), jmstest.Config{Port: jmstest.FreePort(t), More: policyEntries})
		s.Run(t, jmstest.Target{Address: fmt.Sprintf("127.0.0.1:%d", b.Port), Peer: jmstest.ActiveMQ}, only())
	})
	t.Run("secure", func(t *testing.T) { s.Run(t, secureActiveMQ(t, s), only()) })
}

// secureActiveMQ starts an ActiveMQ that asks for TLS, a client certificate, a password and permissions.
func secureActiveMQ(t *testing.T, s jmstest.Suite) jmstest.Target {
	t.Helper()
	dir := t.TempDir()
	pki, err := clienttest.WritePKI(dir, "suite client")
	if err != nil {
		t.Fatal(err)
	}
	store := filepath.Join(dir, "keys.p12")
	if _, err := s.Output(t.Context(), jmstest.Main, "keystore", "ca="+pki.CA, "cert="+pki.ServerCert, "key="+pki.ServerKey, "password=changeit", "out="+store); err != nil {
		t.Fatal(err)
	}
	port := jmstest.FreePort(t)
	jmstest.StartActiveMQ(t, dir, jmstest.Config{
		Port:       jmstest.FreePort(t),
		More:       policyEntries,
		Connectors: fmt.Sprintf(`<transportConnector name="ssl" uri="ssl://127.0.0.1:%d?needClientAuth=true&amp;wireFormat.maxFrameSize=104857600"/>`, port),
		SSL:        fmt.Sprintf(`keyStore="file:%[1]s" keyStorePassword="changeit" trustStore="file:%[1]s" trustStorePassword="changeit"`, store),
		Plugins: `<simpleAuthenticationPlugin><users>
<authenticationUser username="suite" password="` + suitePassword + `" groups="senders,receivers"/>
<authenticationUser username="guest" password="guest" groups="guests"/>
<authenticationUser username="reader" password="reader" groups="readers"/>
<authenticationUser username="writer" password="writer" groups="writers"/>
</users></simpleAuthenticationPlugin>
<authorizationPlugin><map><authorizationMap><authorizationEntries>
<authorizationEntry queue=">" read="receivers" write="senders" admin="senders,receivers"/>
<authorizationEntry topic=">" read="receivers" write="senders" admin="senders"/>
<authorizationEntry queue="guest.>" read="guests,readers" write="guests,writers" admin="guests"/>
<authorizationEntry topic="guest.>" read="guests,readers" write="guests,writers" admin="guests"/>
<authorizationEntry topic="ActiveMQ.Advisory.>" read="*" write="*" admin="*"/>
</authorizationEntries></authorizationMap></map></authorizationPlugin>`,
	})
	return jmstest.Target{
		Address: fmt.Sprintf("127.0.0.1:%d", port), TLS: pki.Client(), User: suiteUser, Pass: suitePassword, Peer: jmstest.ActiveMQ,
	}
}
