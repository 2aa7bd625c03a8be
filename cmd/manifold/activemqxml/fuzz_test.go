package activemqxml

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/manifoldmq/manifold/cmd/manifold/config"
)

// FuzzConvert converts anything: it ends with problems or with YAML whose lines are counted, and whose
// only problems are those between values that are each right.
func FuzzConvert(f *testing.F) {
	for _, seed := range []string{
		`<beans xmlns="` + beansSpace + `"><broker xmlns="` + coreSpace + `" brokerName="${a:b}"/></beans>`,
		inPolicies(`<policyEntry queue="a,b.&gt;" memoryLimit="1 mb"><deadLetterStrategy><individualDeadLetterStrategy/></deadLetterStrategy></policyEntry>`),
		inBroker(`<transportConnectors><transportConnector uri="auto+nio+ssl://0.0.0.0:1?a=b&amp;auto.protocols=amqp"/></transportConnectors><sslContext><sslContext keyStore="k.pem"/></sslContext>`),
		inBroker(`<plugins><authorizationPlugin><map><authorizationMap><authorizationEntries><authorizationEntry topic="#" read="*"/></authorizationEntries></authorizationMap></map></authorizationPlugin></plugins>`),
		inBroker(`<destinationInterceptors><virtualDestinationInterceptor><virtualDestinations><compositeTopic name="&#x85;"><forwardTo><queue physicalName="'&quot;"/></forwardTo></compositeTopic></virtualDestinations></virtualDestinationInterceptor></destinationInterceptors>`),
		inBroker(`<plugins><bean xmlns="` + beansSpace + `" class="org.apache.activemq.plugin.DiscardingDLQBrokerPlugin"><property name="dropOnly"><value>a\..*</value></property></bean></plugins>`),
		"<!DOCTYPE x><broker\n/>", "<?xml version='1.0' encoding='iso-8859-1'?><broker brokerName='\xfc'/>",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := Convert(Source{Name: "a.xml", Text: text, Read: func(string) ([]byte, error) { return nil, fs.ErrNotExist }})
		if err != nil {
			var problems config.Problems
			if !errors.As(err, &problems) || len(problems) == 0 {
				t.Fatalf("%v is no list of problems", err)
			}
			return
		}
		lines := 0
		for _, c := range r.YAML {
			if c == '\n' {
				lines++
			}
		}
		if lines != len(r.Lines) {
			t.Fatalf("%d lines of YAML and %d of the file", lines, len(r.Lines))
		}
		_, err = config.Load(config.Sources{File: "a.xml", Clear: true, Lines: r.Lines, Read: func(string) ([]byte, error) { return r.YAML, nil }})
		if problems, bad := config.ProblemsOf(err); bad {
			for _, p := range problems {
				if p.Path == "" {
					t.Fatalf("%v\nof\n%s", err, r.YAML)
				}
			}
		}
	})
}
