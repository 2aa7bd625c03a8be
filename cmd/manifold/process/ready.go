package process

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// writeReady writes the one line by which scripts learn that, and where, clients can connect:
//
//	ready openwire=127.0.0.1:61616 stomp=127.0.0.1:61613
//	{"event":"ready","listeners":[{"name":"openwire","network":"tcp","address":"127.0.0.1:61616"}]}
func writeReady(w io.Writer, addresses []Address, asJSON bool) error {
	if asJSON {
		if addresses == nil {
			addresses = []Address{}
		}
		return json.NewEncoder(w).Encode(struct {
			Event     string    `json:"event"`
			Listeners []Address `json:"listeners"`
		}{"ready", addresses})
	}
	_, err := fmt.Fprintln(w, strings.TrimSpace("ready "+join(addresses)))
	return err
}

// join writes addresses as name=host:port, separated by spaces.
func join(addresses []Address) string {
	parts := make([]string, len(addresses))
	for i, a := range addresses {
		parts[i] = a.Name + "=" + a.Address
	}
	return strings.Join(parts, " ")
}
