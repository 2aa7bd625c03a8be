package activemqxml

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/cmd/manifold/config"
)

// TestProblems shows what is refused, and where.
func TestProblems(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("<a>", maxDepth+1)
	for text, want := range map[string]string{
		"":                                  "1: not valid XML: EOF",
		"<broker":                           "1: not valid XML: unexpected EOF",
		"<beans>\n<broker></beans>":         "2: not valid XML: element <broker> closed by </beans>",
		`<a x="1" x="2"/>`:                  "1: the attribute x is given twice",
		"<beans/>":                          "1: beans: holds no <broker>",
		"<jetty/>":                          "1: jetty: neither a <broker>",
		"<broker/><broker/>":                "1: a second document",
		"<beans><broker/><broker/></beans>": "1: beans/broker: a second broker",
		deep:                                "1: more than",
		"<!DOCTYPE b [<!ENTITY a 'b'>]><broker/>":          "1: a document type with declarations",
		"<broker brokerName='&xxe;'/>":                     "1: not valid XML: invalid character entity &xxe;",
		"<?xml version='1.0' encoding='utf-16'?><broker/>": "1: not valid XML: ",
		"<broker>\n<transportConectors/></broker>":         "2: broker/transportConectors: no element that broker can have; did you mean transportConnectors?",
		"<broker\nbrokername='x'/>":                        "2: broker: brokername is no attribute of broker; did you mean brokerName?",
		"<broker persistent='perhaps'/>":                   `1: broker: persistent: "perhaps" is not true or false`,
		"<broker brokerName='${a.b}'/>":                    "1: broker brokerName: nothing gives ${a.b} a value; -Da.b=VALUE in the environment variable ACTIVEMQ_OPTS does",
		"<broker brokerName='${a'/>":                       "1: broker brokerName: a placeholder without its end",
		"<broker brokerName='${loop}'/>":                   "1: broker brokerName: placeholders that lead to each other",
		"<broker><transportConnectors><transportConnector uri='tcp:'/></transportConnectors></broker>":                           "",
		"<broker><transportConnectors><transportConnector uri='61616'/></transportConnectors></broker>":                          `1: broker/transportConnectors/transportConnector: uri: "61616" is not the URI of a connector`,
		"<broker><transportConnectors><transportConnector uri='tcp://h:99999'/></transportConnectors></broker>":                  "uri:",
		"<broker><transportConnectors><transportConnector uri='tcp://h:1?maximumConnections=x'/></transportConnectors></broker>": `maximumConnections: "x" is no value for it`,
		"<broker><transportConnectors><transportConnector uri='vm://b'/></transportConnectors></broker>":                         "none of the connectors speaks a protocol that is known here",
		"<broker><transportConnectors><transportConnector uri='ssl://h:1'/></transportConnectors></broker>":                      "ssl speaks TLS, and no sslContext has a keyStore",
		inPolicies("<policyEntry queue='a' memoryLimit='lots'/>"):                                                                `memoryLimit: "lots" is not a size such as 64mb`,
		inPolicies("<policyEntry queue='a'><deadLetterStrategy><policyEntry/></deadLetterStrategy></policyEntry>"):               "no element that deadLetterStrategy can have",
		inBroker("<plugins><simpleAuthenticationPlugin/></plugins>"):                                                             "it has no user",
		inBroker("<plugins><jaasAuthenticationPlugin configuration='x'/></plugins>") + "<!-- -->":                                "",
	} {
		r, err := Convert(Source{Name: "a.xml", Text: []byte(text), Properties: map[string]string{"loop": "${loop}"}, Read: files})
		if want == "" {
			continue // only that it does not panic
		}
		var problems config.Problems
		if !errors.As(err, &problems) || !strings.Contains(problems[0].String(), want) || !strings.HasPrefix(problems[0].Where, "a.xml:") {
			t.Errorf("%.200s:\ngot %v %v\nwant %s", text, err, r, want)
		}
	}
}

// TestHostileFiles gives files that are made to take long: each is read or refused soon.
func TestHostileFiles(t *testing.T) {
	t.Parallel()
	bomb := "a0=\n"
	for i := 1; i < 10; i++ {
		bomb += fmt.Sprintf("a%d=%s\n", i, strings.Repeat(fmt.Sprintf("${a%d}", i-1), 50))
	}
	read := func(string) ([]byte, error) { return []byte(bomb), nil }
	attributes := ""
	for i := range maxAttributes + 1 {
		attributes += fmt.Sprintf(" a%d=''", i)
	}
	for name, text := range map[string]string{
		"placeholders in placeholders": `<beans><bean class="x.PropertyPlaceholderConfigurer"><property name="location" value="p"/></bean><broker brokerName="${a9}"/></beans>`,
		"attributes":                   "<broker" + attributes + "/>",
		"unknown elements":             "<broker>" + strings.Repeat("<policyEntri/>", 40_000) + "</broker>",
		"elements":                     "<broker>" + strings.Repeat("<a/>", maxNodes+1) + "</broker>",
		"policies":                     inPolicies(strings.Repeat(`<policyEntry queue="*.a.>,b.>,c"/>`, maxPolicies)),
		"texts":                        "<broker>" + strings.Repeat("x<!---->", 900_000) + "</broker>",
		"a large file":                 "<broker>" + strings.Repeat(" ", maxText) + "</broker>",
		"brackets":                     inBroker(strings.Repeat("<plugins>", maxDepth)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := Convert(Source{Name: "a.xml", Text: []byte(text), Read: read}); err == nil && name != "texts" && name != "policies" {
				t.Error("it was taken")
			}
		})
	}
}
