package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

// Failover is what a failover URL of OpenWire says: brokers, of which any will do.
type Failover struct {
	Brokers  []Target // of each only the address and TLS count
	Random   bool     // in any order
	Attempts int      // how often to begin again with the first; below 0: as long as there is time
	Delay    time.Duration
	MaxDelay time.Duration // the delay between attempts doubles up to it
}

// parseFailover reads failover:(tcp://host:61616,ssl://other:61617)/queue/orders, with options of
// the failover and of the destination behind a question mark.
func parseFailover(text string) (Target, error) {
	text = strings.TrimPrefix(strings.TrimPrefix(text, "failover:"), "//")
	list, rest, ok := strings.Cut(text, ")")
	list, begins := strings.CutPrefix(list, "(")
	if !ok || !begins {
		return Target{}, errors.New("a failover URL looks like failover:(tcp://127.0.0.1:61616,tcp://127.0.0.1:61626)/queue/orders")
	}
	t := Target{OpenWire: true, Failover: &Failover{Random: true, Attempts: -1, Delay: 10 * time.Millisecond, MaxDelay: time.Second}}
	for member := range strings.SplitSeq(list, ",") {
		u, err := url.Parse(strings.TrimSpace(member))
		if err != nil {
			return Target{}, hidePassword(err)
		}
		broker, err := brokerOf(u)
		switch {
		case err != nil:
			return Target{}, err
		case !broker.OpenWire || u.RawQuery != "" || strings.Trim(u.Path, "/") != "":
			return Target{}, fmt.Errorf("%s is no broker of OpenWire; in a failover URL it looks like tcp://127.0.0.1:61616 or ssl://127.0.0.1:61617", u.Redacted())
		}
		if t.User == "" {
			t.User, t.Password = broker.User, broker.Password
		}
		t.Failover.Brokers = append(t.Failover.Brokers, broker)
	}
	u, err := url.Parse("failover://x" + rest)
	if err != nil {
		return Target{}, hidePassword(err)
	}
	options, err := t.Failover.options(u.Query())
	if err != nil {
		return Target{}, err
	}
	u.RawQuery = options.Encode()
	return t, t.setDestination(u)
}

// options takes the options of the failover, and returns those of the destination.
func (f *Failover) options(q url.Values) (url.Values, error) {
	of := url.Values{}
	for name, values := range q {
		ms, err := int64(0), error(nil)
		switch name {
		case "randomize":
			f.Random, err = strconv.ParseBool(values[0])
		case "maxReconnectAttempts":
			f.Attempts, err = strconv.Atoi(values[0])
		case "initialReconnectDelay":
			ms, err = strconv.ParseInt(values[0], 10, 32)
			f.Delay = max(time.Duration(ms), 1) * time.Millisecond
		case "maxReconnectDelay":
			ms, err = strconv.ParseInt(values[0], 10, 32)
			f.MaxDelay = max(time.Duration(ms), 1) * time.Millisecond
		default:
			if !strings.HasPrefix(name, consumerOption) {
				err = errors.New("the options of a failover here are randomize, maxReconnectAttempts, initialReconnectDelay and maxReconnectDelay")
			}
			of[name] = values
		}
		if err != nil {
			return nil, fmt.Errorf("option %s: %w", name, err)
		}
	}
	return of, nil
}

// learn takes the brokers that a broker names into account: they come after those of the URL.
func (f *Failover) learn(urls string) {
	for text := range strings.SplitSeq(urls, ",") {
		u, err := url.Parse(strings.TrimSpace(text))
		if f == nil || err != nil {
			continue
		}
		t, err := brokerOf(u)
		known := func(b Target) bool { return b.Address == t.Address && b.TLS == t.TLS }
		if err == nil && t.OpenWire && len(f.Brokers) < mostBrokers && !slices.ContainsFunc(f.Brokers, known) {
			f.Brokers = append(f.Brokers, t)
		}
	}
}

// mostBrokers bounds what a failover knows.
const mostBrokers = 100

// try calls login with one broker after the other until one lets the client in or refuses it, and
// without a failover once, with t.
func (f *Failover) try(ctx context.Context, t Target, login func(context.Context, Target) error) error {
	if f == nil {
		return login(ctx, t)
	}
	delay := f.Delay
	for round := 0; ; round++ {
		brokers := slices.Clone(f.Brokers)
		if f.Random {
			rand.Shuffle(len(brokers), func(i, j int) { brokers[i], brokers[j] = brokers[j], brokers[i] })
		}
		var last error
		for _, b := range brokers {
			last = login(ctx, b)
			var r *refusal
			if last == nil || errors.As(last, &r) {
				return last
			}
		}
		if f.Attempts >= 0 && round >= f.Attempts {
			return last
		}
		wait := time.NewTimer(delay)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return sysexit.Errorf(sysexit.Timeout, "none of %d brokers answered in time: %w", len(brokers), last)
		}
		delay = min(2*delay, f.MaxDelay)
	}
}
