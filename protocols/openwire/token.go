package openwire

import "github.com/manifoldmq/manifold/broker"

// A token says in itself what its confirmation leads to, so that nothing need be remembered: the
// kind in the highest octet, then 24 bits of index, then 32 bits of number.
type tokenKind uint8

const (
	respond     tokenKind = iota + 1 // a Response to the command with the number
	quietly                          // nothing, or a ConnectionError
	acknowledge                      // a ProducerAck to the producer with the index, over number octets
	subscribed                       // a Response, if the consumer with the index wants one, and its credit
	prepared                         // an IntegerResponse: XA_OK
	readOnly                         // an IntegerResponse: XA_RDONLY
	recovered                        // a DataArrayResponse with the prepared branches
	brokerInfo                       // the BrokerInfo
	control                          // a ConnectionControl, with the brokers that the client is to know
	parting                          // everything is settled
)

const maxIndex = 1<<24 - 1

func token(k tokenKind, index uint32, number int32) broker.Token {
	return broker.Token(uint64(k)<<56 | uint64(index&maxIndex)<<32 | uint64(uint32(number)))
}

func untoken(t broker.Token) (k tokenKind, index uint32, number int32) {
	return tokenKind(t >> 56), uint32(t>>32) & maxIndex, int32(uint32(t))
}
