package openwire

import (
	"context"
	"strings"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/protocols/openwire/wire"
)

// maxComposite bounds the members of a composite destination.
const maxComposite = 256

// kindOf returns the kind of destinations of a type.
func kindOf(t wire.Type) address.Kind {
	switch t {
	case wire.TypeTopic:
		return address.Topic
	case wire.TypeTempQueue:
		return address.TempQueue
	case wire.TypeTempTopic:
		return address.TempTopic
	default:
		return address.Queue
	}
}

// typeOf returns the type of destinations of a kind.
func typeOf(k address.Kind) wire.Type {
	switch k {
	case address.Topic:
		return wire.TypeTopic
	case address.TempQueue:
		return wire.TypeTempQueue
	case address.TempTopic:
		return wire.TypeTempTopic
	default:
		return wire.TypeQueue
	}
}

// addresses returns the members of a destination, and all of it as one address. Names without a
// prefix are of the destination's own kind; those of temporary destinations are taken as they are.
func (c *connection) addresses(d *wire.Destination) ([]address.Address, address.Address, error) {
	whole := address.Address{Kind: kindOf(d.Kind), Name: strings.Clone(d.PhysicalName.View())}
	if name, _, ok := strings.Cut(whole.Name, "?"); ok {
		whole.Name = name // options are the client's business
	}
	switch {
	case whole.Name == "":
		return nil, whole, fault.New(fault.InvalidName, "destination", "", "A destination needs a name")
	case !strings.Contains(whole.Name, ","):
		return []address.Address{whole}, whole, nil
	case whole.Kind.IsTemp():
		return nil, whole, fault.New(fault.InvalidName, "destination", "", "A temporary destination can't be composite")
	case strings.Count(whole.Name, ",") >= maxComposite:
		return nil, whole, fault.New(fault.LimitReached, "destination", "", "A composite destination has at most %d members", maxComposite)
	}
	var list []address.Address
	for part := range strings.SplitSeq(whole.Name, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		list = append(list, address.Parse(part, whole.Kind))
	}
	if len(list) == 0 {
		return nil, whole, fault.New(fault.InvalidName, "destination", "", "A destination needs a name")
	}
	return list, whole, nil
}

// Operations of a DestinationInfo.
const (
	addDestination    = 0
	removeDestination = 1
)

// destination serves DestinationInfo.
func (c *connection) destination(ctx context.Context, cmd *wire.DestinationInfo) error {
	if cmd.Destination == nil {
		return fault.New(fault.InvalidName, "destination", "", "A DestinationInfo needs a destination")
	}
	list, whole, err := c.addresses(cmd.Destination)
	if err != nil {
		return err
	}
	switch cmd.OperationType {
	case addDestination:
		if whole.Kind.IsTemp() {
			err = c.addTemporary(whole)
		} else {
			for _, a := range list {
				if err == nil {
					err = c.core.Declare(a)
				}
			}
		}
	case removeDestination:
		if whole.Kind.IsTemp() {
			err = c.removeTemporary(whole)
			break
		}
		c.core.Flush()
		for _, a := range list {
			if err == nil {
				err = c.core.Destroy(ctx, a)
			}
		}
		if fault.Is(err, fault.Forbidden) {
			// The right is the same as to create it, and the text names that.
			err = &exception{class: securityException, text: strings.Replace(err.Error(), "to create:", "to remove:", 1)}
		}
	default:
		err = fault.New(fault.Unsupported, "destination", "", "There is no operation %d on destinations", cmd.OperationType)
	}
	if err != nil {
		return err
	}
	delete(c.senders, destinationKey{cmd.Destination.Kind, whole.Name})
	c.respond(cmd.Head())
	return nil
}

// ownName reports whether the name of a temporary destination is one of this connection's.
func (c *connection) ownName(a address.Address) bool {
	return strings.HasPrefix(a.Name, c.id+":")
}

func (c *connection) addTemporary(a address.Address) error {
	if !c.ownName(a) {
		return &exception{class: invalidDestination, text: "A temporary destination has the name of its connection: " + a.String()}
	}
	return c.core.AdoptTemporary(a)
}

func (c *connection) removeTemporary(a address.Address) error {
	if !c.ownName(a) && !c.core.Owns(a) {
		return &exception{class: invalidDestination, text: "Only the connection that made it can remove a temporary destination: " + a.String()}
	}
	err := c.core.DeleteTemporary(a)
	if fault.Is(err, fault.NotFound) {
		return nil // gone already
	}
	return err
}

// checkTemporary refuses the temporary destinations of other connections to a consumer.
func (c *connection) checkTemporary(list []address.Address) error {
	for _, a := range list {
		switch {
		case !a.Kind.IsTemp() || c.core.Owns(a):
		case c.ownName(a):
			// It is made with its first use, as ActiveMQ does.
			if err := c.core.AdoptTemporary(a); err != nil {
				return err
			}
		case a.Kind == address.TempTopic:
			return &exception{class: invalidDestination, text: "Subscribing to a temporary topic created by another connection is not permitted"}
		default:
			return &exception{class: invalidDestination, text: "Subscribing to a temporary queue created by another connection is not permitted"}
		}
	}
	return nil
}
