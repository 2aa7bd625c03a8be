package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/manifoldmq/manifold/cmd/manifold/activemqxml"
	"github.com/manifoldmq/manifold/cmd/manifold/config"
	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

const smallXML = `<broker xmlns="http://activemq.apache.org/schema/core" brokerName="${name}" deleteAllMessagesOnStartup="true">
  <plugins><simpleAuthenticationPlugin><users><authenticationUser username="u" password="secret" groups="g"/></users></simpleAuthenticationPlugin></plugins>
  <networkConnectors><networkConnector uri="static:(tcp://h:1)"/></networkConnectors>
</broker>`

func TestConvert(t *testing.T) {
	t.Parallel()
	name := file(t, "activemq.xml", smallXML)
	r := manifold(t, "", nil, "convert", name, "-D", "name=here")
	r.want(t, sysexit.Partial, "name: here", "activemq.xml:3: networkConnectors is dropped: there are no networks of brokers")
	loaded, err := config.Parse("c.yaml", []byte(r.out))
	if err != nil {
		t.Fatal(err)
	}
	if u := loaded.Config.Security.Users[0]; bcrypt.CompareHashAndPassword([]byte(u.Password), []byte("secret")) != nil {
		t.Error("the hash is not the password's")
	}
	manifold(t, "", nil, "config", "check", file(t, "c.yaml", r.out)).want(t, sysexit.OK, "good", "")
	// Without what has no place here, all is well.
	small := strings.Replace(smallXML, ` deleteAllMessagesOnStartup="true"`, "", 1)
	small = small[:strings.Index(small, "  <networkConnectors")] + "</broker>"
	manifold(t, small, []string{"name=env"}, "convert", "-").want(t, sysexit.OK, "name: env", "")
	manifold(t, "", nil, "convert", name).want(t, sysexit.Data, "", "activemq.xml:1: broker brokerName: nothing gives ${name} a value")
	manifold(t, "broker: {}", nil, "convert", "-").want(t, sysexit.Data, "", "is no XML")
	manifold(t, "", nil, "convert", filepath.Join(t.TempDir(), "none.xml")).want(t, sysexit.NoInput, "", "none.xml")
	manifold(t, "", nil, "convert", name, "-D", "x").want(t, sysexit.Usage, "", "is not name=value")
	manifold(t, "", nil, "convert", name, "--jvm-heap", "much").want(t, sysexit.Usage, "", "is no size")
	twice := strings.Replace(small, "</broker>", "<transportConnectors>\n<transportConnector uri='tcp://127.0.0.1:1'/>\n<transportConnector uri='stomp://127.0.0.1:1'/></transportConnectors></broker>", 1)
	manifold(t, twice, []string{"name=env"}, "convert", "-").want(t, sysexit.Data, "", `activemq.xml:5: listeners[1].address: "127.0.0.1:1" is also the address of listeners[0]`)
	unknown := strings.Replace(small, "<plugins>", "<plugin>", 1)
	manifold(t, unknown, nil, "convert", "-").want(t, sysexit.Data, "", "")
	odd := strings.Replace(small, "<plugins>", "<odd/><plugins>", 1)
	manifold(t, odd, []string{"name=env"}, "convert", "-").want(t, sysexit.Data, "", "no element that broker can have")
	manifold(t, odd, []string{"name=env"}, "convert", "-", "--lenient").want(t, sysexit.Partial, "name: env", "odd is dropped")
}

func TestConvertReport(t *testing.T) {
	t.Parallel()
	name := file(t, "activemq.xml", smallXML)
	r := manifold(t, "", nil, "convert", name, "-D", "name=here", "--report")
	r.want(t, sysexit.Partial, "LINE", "2 of the file's settings")
	for _, want := range []string{"brokerName", "kept", "broker.name", "dropped (!)", "(!) marks what changes the broker's behaviour: 2"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("no %s in\n%s", want, r.out)
		}
	}
	r = manifold(t, "", nil, "convert", name, "-D", "name=here", "--report", "--json")
	var entries []struct {
		Line                     int
		Element, Attribute, Fate string
		Value                    string
		Changes                  bool `json:"changes_behaviour"`
	}
	if err := json.Unmarshal([]byte(r.out), &entries); err != nil {
		t.Fatal(err)
	}
	lost := 0
	for _, e := range entries {
		if e.Changes {
			lost++
		}
		if e.Attribute == "password" && e.Value != config.Mask {
			t.Errorf("the password is shown: %s", e.Value)
		}
	}
	if lost != 2 || strings.Contains(r.out, "secret") {
		t.Errorf("%d are lost: %s", lost, r.out)
	}
}

// TestActiveMQXMLAsConfiguration gives an activemq.xml to the commands that read a configuration.
func TestActiveMQXMLAsConfiguration(t *testing.T) {
	t.Parallel()
	dir, name := peerFile(t)
	env := []string{"ACTIVEMQ_OPTS=-Xmx2g -Dopenwire.port=0 -Dstomp.port=0 -Dstealing.port=0", "ACTIVEMQ_DATA=" + dir + "/elsewhere"}
	manifold(t, "", env, "config", "check", name).want(t, sysexit.OK, "good", "")
	r := manifold(t, "", env, "config", "show", "--config", name)
	r.want(t, sysexit.OK, config.Mask, "")
	for _, want := range []string{"127.0.0.1:0", name + ":", "/elsewhere/kahadb/manifold", "destinations.composites[0].to[1].selector"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("no %s in\n%s", want, r.out)
		}
	}
	if strings.Contains(r.out, "application") {
		t.Error("a password is shown")
	}
	manifold(t, "", env, "explain", "queue", "plain.x", "--config", name).want(t, sysexit.OK, "queue://plain.> at "+name, "")
	// What is wrong with it has its line.
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(filepath.Dir(name), "bad.xml")
	if err := os.WriteFile(bad, []byte(strings.Replace(string(text), "queuePrefix", "queuePrefx", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	manifold(t, "", env, "config", "check", bad).want(t, sysexit.Config, "", "did you mean queuePrefix?")
}

// TestServeNamesWhatIsLost looks for what an activemq.xml has and nothing here stands for, in the log.
func TestServeNamesWhatIsLost(t *testing.T) {
	t.Parallel()
	s := serveFile(t, file(t, "activemq.xml", `<broker xmlns="http://activemq.apache.org/schema/core" persistent="false" dataDirectory="`+t.TempDir()+`">
		<networkConnectors><networkConnector uri="static:(tcp://h:1)"/></networkConnectors>
		<transportConnectors><transportConnector name="stomp" uri="stomp://127.0.0.1:0"/></transportConnectors></broker>`),
		"MANIFOLD_HTTP_ADDRESS=127.0.0.1:0", "MANIFOLD_BROKER_DRAIN_TIMEOUT=100ms")
	if n := strings.Count(s.log.String(), "networkConnectors is dropped"); n != 1 {
		t.Errorf("it is told %d times: %s", n, s.log)
	}
}

// TestReloadOfAnActiveMQXML changes the file under a running broker.
func TestReloadOfAnActiveMQXML(t *testing.T) {
	t.Parallel()
	text := `<broker xmlns="http://activemq.apache.org/schema/core" persistent="false" dataDirectory="` + t.TempDir() + `">
		<destinationPolicy><policyMap><policyEntries><policyEntry queue="q" queuePrefetch="5"/></policyEntries></policyMap></destinationPolicy>
		<plugins><simpleAuthenticationPlugin><users><authenticationUser username="u" password="p" groups="g"/></users></simpleAuthenticationPlugin></plugins>
		<transportConnectors><transportConnector name="stomp" uri="stomp://127.0.0.1:0"/></transportConnectors></broker>`
	name := file(t, "activemq.xml", text)
	s := serveFile(t, name, "MANIFOLD_HTTP_ADDRESS=127.0.0.1:0", "MANIFOLD_BROKER_DRAIN_TIMEOUT=100ms")
	reload := func(text string) result {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return manifold(t, "", nil, "reload", "--config", file(t, "activemq.xml", text), "--url", s.at["http"])
	}
	r := reload(strings.Replace(text, `queuePrefetch="5"`, `queuePrefetch="6"`, 1))
	r.want(t, sysexit.OK, "destinations.policies[0].prefetch.queue: 5 -> 6", "")
	if n := strings.Count(r.out, "\n"); n != 1 {
		t.Errorf("more than that: %s", r.out)
	}
	if r := manifold(t, "", nil, "reload", "--config", file(t, "activemq.xml", text), "--url", s.at["http"]); r.code != sysexit.OK {
		t.Errorf("code %d: %s", r.code, r.err)
	}
	if err := os.WriteFile(name, []byte(strings.Replace(text, "queuePrefetch", "queuePrefetsch", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	manifold(t, "", nil, "reload", "--config", file(t, "activemq.xml", text), "--url", s.at["http"]).want(t, sysexit.Config, "", "did you mean queuePrefetch?")
}

// TestStockFiles converts the files that Debian's package comes with, where it is installed: what comes
// out is a configuration each time.
func TestStockFiles(t *testing.T) {
	t.Parallel()
	var names []string
	for _, pattern := range []string{"/usr/share/doc/activemq/examples/conf/activemq*.xml", "/etc/activemq/instances-available/*/activemq.xml"} {
		list, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, list...)
	}
	if len(names) == 0 {
		t.Skip("Debian's activemq is not installed")
	}
	env := []string{activemqxml.EncryptionVariable + "=activemq"}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			r := manifold(t, "", env, "convert", name)
			if r.code != sysexit.OK && r.code != sysexit.Partial {
				t.Fatalf("code %d: %s", r.code, r.err)
			}
			manifold(t, "", nil, "config", "check", file(t, "c.yaml", r.out)).want(t, sysexit.OK, "good", "")
		})
	}
}
