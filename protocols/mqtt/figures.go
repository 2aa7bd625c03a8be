package mqtt

import (
	"context"
	"runtime/metrics"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
)

// figures are the protocol's counters over all connections.
type figures struct {
	connected, maximum    atomic.Int64
	packetsIn, packetsOut atomic.Int64
	bytesIn, bytesOut     atomic.Int64
}

func (f *figures) enter() {
	n := f.connected.Add(1)
	for {
		most := f.maximum.Load()
		if n <= most || f.maximum.CompareAndSwap(most, n) {
			return
		}
	}
}

func (f *figures) leave() { f.connected.Add(-1) }

// PublishFigures publishes figures of the broker, as retained messages, to the topics below $SYS
// that other brokers have made common, until ctx ends. It blocks.
func (p *Protocol) PublishFigures(ctx context.Context) {
	if p.o.SysInterval < 0 {
		return
	}
	tick := time.NewTicker(p.o.SysInterval)
	defer tick.Stop()
	for {
		p.publishFigures()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// publishFigures publishes each figure once. Failures are those of a broker that stops.
func (p *Protocol) publishFigures() {
	b := p.o.Broker
	now := time.Now()
	publish := func(name, value string) {
		k := &content{head: []byte{headRetain}, body: []byte(value)}
		m := &k.Message
		m.Content, m.Priority, m.Timestamp = k, message.DefaultPriority, now.UnixMilli()
		m.Flags = message.Retain
		m.Address = address.Address{Kind: address.Topic, Name: string(appendSwapped([]byte("$SYS.broker."), name))}
		if err := b.Publish(m); err != nil {
			p.o.Log.Debug("figures were not published", "topic", name, "error", err)
		}
	}
	number := func(name string, n int64) { publish(name, strconv.FormatInt(n, 10)) }
	sessions, away := b.SessionCount()
	away = sessions - away
	retained, _ := b.RetainedUsed()
	f, t := &p.figures, b.Totals()
	publish("version", "manifold version "+p.o.Version)
	publish("uptime", strconv.FormatInt(int64(now.Sub(p.started)/time.Second), 10)+" seconds")
	number("clients/connected", f.connected.Load())
	number("clients/active", f.connected.Load())
	number("clients/maximum", f.maximum.Load())
	number("clients/disconnected", int64(away))
	number("clients/inactive", int64(away))
	number("clients/total", f.connected.Load()+int64(away))
	number("messages/received", f.packetsIn.Load())
	number("messages/sent", f.packetsOut.Load())
	number("publish/messages/received", t.Received.Load())
	number("publish/messages/sent", t.Delivered.Load())
	number("bytes/received", f.bytesIn.Load())
	number("bytes/sent", f.bytesOut.Load())
	number("retained messages/count", int64(retained))
	number("heap/current", heap())
}

// heap returns the bytes of objects in the process's heap.
func heap() int64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return int64(s[0].Value.Uint64())
}
