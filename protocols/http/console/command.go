package console

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	"github.com/manifoldmq/manifold/broker/address"
)

func itoa(n int) string { return strconv.Itoa(n) }

// quote makes a word of a shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// base returns the URL of this broker, as the browser knows it.
func (x *exchange) base() string {
	if x.encrypted() {
		return "https://" + x.r.Host
	}
	return "http://" + x.r.Host
}

// apiCommand returns a call of the API that does the same as a page, for a shell in the data
// directory.
func (x *exchange) apiCommand(method, path string) []string {
	what := ""
	if method != "GET" {
		what = "-X " + method + " "
	}
	return []string{"curl " + what + `-H "Authorization: Bearer $(cat api.token)" ` + quote(x.base()+"/api/v1/"+path)}
}

// queueCommand is apiCommand for an operation on a queue.
func (x *exchange) queueCommand(a address.Address, operation string) []string {
	return x.apiCommand("POST", "queues/"+url.PathEscape(nameOf(a))+"/"+operation)
}

// execCommand returns a call of Jolokia that does the same as a page, if its operations are allowed.
func (x *exchange) execCommand(a address.Address, operation string, arguments ...any) []string {
	if !x.c.o.Exec || a.Kind != address.Queue {
		return nil
	}
	if arguments == nil {
		arguments = []any{}
	}
	body, err := json.Marshal(map[string]any{
		"type": "exec", "operation": operation, "arguments": arguments,
		"mbean": "org.apache.activemq:type=Broker,brokerName=" + x.b.Name + ",destinationType=Queue,destinationName=" + a.Name,
	})
	if err != nil || strings.ContainsAny(a.Name, `:,'"?=*`) {
		return nil
	}
	return []string{"curl -u " + quote(x.caller.Name) + " -d " + quote(string(body)) + " " + quote(x.base()+"/api/jolokia")}
}

// sendCommand returns a call of the command line that sends a text, if there is a listener for it.
func (x *exchange) sendCommand(to address.Address, body string) []string {
	if x.b.Connectors == nil || to.Kind.IsTemp() || strings.ContainsAny(to.Name, "?#%/") {
		return nil
	}
	urls := x.b.Connectors()
	for _, scheme := range [...]string{"stomp://", "amqp://", "tcp://"} {
		for _, at := range urls {
			if strings.HasPrefix(at, scheme) {
				return []string{"manifold send " + quote(at+"/"+to.Kind.String()+"/"+to.Name) + " " + quote(body)}
			}
		}
	}
	return nil
}
