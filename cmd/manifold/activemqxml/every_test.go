package activemqxml

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/cmd/manifold/config"
)

// needed are the attributes without which an element says nothing.
var needed = map[string]string{
	"policyEntry":                           `queue="q"`,
	"authenticationUser":                    `username="u" password="p"`,
	"compositeQueue":                        `name="c"`,
	"compositeTopic":                        `name="c"`,
	"queue":                                 `physicalName="q"`,
	"topic":                                 `physicalName="t"`,
	"transportConnector":                    `uri="tcp://127.0.0.1:0"`,
	"filteredDestination":                   `queue="f"`,
	"uniquePropertyMessageEvictionStrategy": `propertyName="p"`,
}

// samples are tried in turn until one is a value of the attribute.
var samples = []string{"true", "7", "a", "tcp://127.0.0.1:0", "5mb", "false", "always", "cached", "activemq"}

// dynamic are attributes whose fate depends on more than themselves.
var dynamic = map[string]bool{
	"policyEntry gcInactiveDestinations": true, "policyEntry inactiveTimeoutBeforeGC": true, "policyEntry inactiveTimoutBeforeGC": true,
	"kahaDB journalDiskSyncInterval": true, "storeUsage percentLimit": true, "tempUsage percentLimit": true,
	"discardingDLQBrokerPlugin dropOnly": true, "simpleAuthenticationPlugin anonymousUser": true, "simpleAuthenticationPlugin anonymousGroup": true,
	"memoryUsage percentOfJvmHeap": true,
}

// topical finds what only topics have.
var topical = regexp.MustCompile("topicPrefix|topicSuffix|destinationPerDurableSubscriber|pendingMessageLimitStrategy|messageEvictionStrategy|subscriptionRecoveryPolicy")

// topics are the values that only topics have.
func forTopics(attribute string) bool {
	return slices.Contains([]string{"topicPrefetch", "durableTopicPrefetch", "alwaysRetroactive"}, attribute)
}

// paths finds for each element a way to it from the broker.
func paths() map[string][]string {
	byName := make(map[string]class)
	for _, k := range classes() {
		byName[k.name] = k
	}
	found := map[string][]string{"broker": {}}
	for queue := []string{"broker"}; len(queue) > 0; queue = queue[1:] {
		for _, child := range byName[queue[0]].children {
			if _, ok := found[child]; !ok {
				found[child] = append(slices.Clone(found[queue[0]]), queue[0])
				queue = append(queue, child)
			}
		}
	}
	return found
}

// within writes an element with those around it.
func within(path []string, inner string) string {
	for _, name := range slices.Backward(path) {
		attributes := needed[name]
		if name == "policyEntry" && topical.MatchString(inner) {
			attributes = `topic="t"`
		}
		if name == "broker" {
			attributes = `xmlns="` + coreSpace + `"`
		}
		more := ""
		if name == "simpleAuthenticationPlugin" && !strings.Contains(inner, "<users") {
			more = `<users><authenticationUser username="u" password="p"/></users>`
		}
		inner = fmt.Sprintf("<%s %s>%s%s</%s>", name, attributes, inner, more, name)
	}
	return inner
}

// files are what an activemq.xml names.
func files(name string) ([]byte, error) {
	if name == "login.config" {
		return []byte("activemq { org.apache.activemq.jaas.PropertiesLoginModule required org.apache.activemq.jaas.properties.user=users org.apache.activemq.jaas.properties.group=groups;};"), nil
	}
	return nil, fs.ErrNotExist
}

// TestEveryElementAndAttribute converts each element and each attribute of the table by itself: it
// has the fate that the table, and so the documentation, says, and what comes out is a configuration.
func TestEveryElementAndAttribute(t *testing.T) {
	t.Parallel()
	way := paths()
	for _, k := range classes() {
		path, ok := way[k.name]
		if !ok {
			t.Errorf("%s is in no other element", k.name)
			continue
		}
		for _, a := range append([]attribute{{}}, k.attributes...) {
			if k.name == "broker" && a.name == "" {
				continue
			}
			t.Run(k.name+" "+a.name, func(t *testing.T) {
				t.Parallel()
				one(t, &k, &a, path)
			})
		}
	}
}

func one(t *testing.T, k *class, a *attribute, path []string) {
	var errs []error
	for _, sample := range samples {
		attributes := needed[k.name]
		if k.name == "simpleAuthenticationPlugin" {
			attributes = ""
		}
		if k.name == "policyEntry" && (forTopics(a.name) || strings.HasPrefix(a.name, "advisoryForDiscarding")) {
			attributes = `topic="t"`
		}
		if k.name == "broker" {
			attributes = `xmlns="` + coreSpace + `"`
		}
		if a.name != "" && !strings.Contains(" "+attributes, " "+a.name+"=") {
			attributes += fmt.Sprintf(" %s=%q", a.name, sample)
		}
		inner := ""
		switch k.name {
		case "simpleAuthenticationPlugin":
			inner = `<users><authenticationUser username="u" password="p"/></users>`
		case "compositeQueue", "compositeTopic":
			inner = `<forwardTo><queue physicalName="x"/></forwardTo>`
		case "users":
			inner = `<authenticationUser username="u" password="p"/>`
		case "forwardTo":
			inner = `<queue physicalName="x"/>`
		}
		text := within(path, fmt.Sprintf("<%s %s>%s</%s>", k.name, attributes, inner, k.name))
		r, err := Convert(Source{Name: "a.xml", Text: []byte(text), Read: files})
		if err == nil {
			_, err = config.Load(config.Sources{File: "a.xml", Clear: true, Lines: r.Lines, Read: func(string) ([]byte, error) { return r.YAML, nil }})
			if err != nil {
				err = fmt.Errorf("%s\nof\n%s\n%w", r.YAML, text, err)
			}
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		i := slices.IndexFunc(r.Entries, func(e Entry) bool { return e.Name() == k.name && e.Attribute == a.name })
		switch {
		case i < 0:
			t.Errorf("nothing is said of %s %s in\n%s", k.name, a.name, text)
		case a.name == "":
			if e := r.Entries[i]; e.Fate != k.fate || e.Changes != k.changes {
				t.Errorf("%s is %s (%s), and not %s", k.name, e.Fate, e.Note, k.fate)
			}
		case dynamic[k.name+" "+a.name]:
		default:
			if e := r.Entries[i]; e.Fate != a.fate || e.Changes != (a.changes && sample != a.def) {
				t.Errorf("%s %s is %s (%s), and not %s", k.name, a.name, e.Fate, e.Note, a.fate)
			}
		}
		return
	}
	t.Errorf("no value fits: %v", errs)
}
