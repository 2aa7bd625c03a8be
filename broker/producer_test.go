package broker_test

import (
	"testing"

	"github.com/manifoldmq/manifold/broker"
)

// TestProducersEndWithTheirConnection shows that no producer is counted whose connection has ended, and
// none twice.
func TestProducersEndWithTheirConnection(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	c := n.connect("c")
	var open []*broker.Producer
	for range 3 {
		p, err := c.Producer(q("a"), topic("b"))
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, p)
	}
	a, b := n.Lookup(q("a")), n.Lookup(topic("b"))
	open[0].Close()
	open[0].Close()
	if a.Producers() != 2 || b.Producers() != 2 {
		t.Errorf("%d and %d producers, not 2", a.Producers(), b.Producers())
	}
	c.Close()
	open[1].Close()
	if a.Producers() != 0 || b.Producers() != 0 {
		t.Errorf("%d and %d producers of a connection that has ended", a.Producers(), b.Producers())
	}
	if _, err := c.Producer(q("a")); err == nil || a.Producers() != 0 {
		t.Errorf("a producer of a connection that has ended: %v", err)
	}
}

// TestProducersAddressesAreReadMeanwhile has somebody else ask what a producer is for while its
// destination is made anew.
func TestProducersAddressesAreReadMeanwhile(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	c := n.connect("c")
	p, err := c.Producer(q("Q"))
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if err := n.Delete(t.Context(), q("Q")); err != nil {
			t.Fatal(err)
		}
		asked := make(chan bool)
		go func() {
			list := p.Addresses()
			asked <- len(list) == 1 && list[0] == q("Q")
		}()
		m, token := text("m", true), c.token()
		if err := p.Send(m, nil, token); err != nil {
			t.Fatal(err)
		}
		c.Flush()
		if err := c.confirm(token); err != nil {
			t.Fatal(err)
		}
		if !<-asked {
			t.Error("it is for something else")
		}
	}
}
