package crosstest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/stomp/stomptest"
)

// stompPeer is a client of STOMP 1.2.
type stompPeer struct{ *stomptest.Client }

func newSTOMP(t *testing.T, b *brokertest.Broker) stompPeer {
	t.Helper()
	return newSTOMPAs(t, b, "")
}

// newSTOMPAs connects a client with an identifier.
func newSTOMPAs(t *testing.T, b *brokertest.Broker, id string) stompPeer {
	t.Helper()
	c := stomptest.Open(t, stomptest.Target{Address: b.Addr("stomp"), Patience: patience})
	if id == "" {
		c.Login("1.2")
	} else {
		c.Login("1.2", "client-id", id)
	}
	return stompPeer{c}
}

// receive returns what the next message looks like.
func (c stompPeer) receive() string {
	f := c.Message()
	kind := "text"
	if f.Has("content-length") {
		kind = "bytes"
	}
	list := []string{fmt.Sprintf("%s `%s`", kind, printable(f.Body))}
	var rest []string
	for _, h := range f.Header {
		switch h.Name {
		case "destination", "message-id", "subscription", "priority", "timestamp", "content-length":
		case "expires":
			if n, _ := strconv.ParseInt(h.Value, 10, 64); n != 0 {
				left := time.Until(time.UnixMilli(n)).Round(time.Second)
				rest = append(rest, "`expires` in "+about(int64(left/time.Second)))
			}
		default:
			rest = append(rest, fmt.Sprintf("`%s:%s`", h.Name, mask(printable(h.Value))))
		}
	}
	slices.Sort(rest)
	return strings.Join(append(list, rest...), ", ")
}
