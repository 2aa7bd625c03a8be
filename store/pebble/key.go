package pebble

import (
	"encoding/binary"

	"github.com/manifoldmq/manifold/store"
)

// Keys are one byte for the family and big endian numbers, so that the engine's bytewise
// order is ours:
//
//	'e' list(4) 9-prio(1) id(8) flags(1)  an entry; set once
//	'e' list(4) 9-prio(1) id(8) 0xff      its state, right behind it
//	'm' id(8)                             a message that several entries share; set once
//	'p' id(8) part(4)                     a part of a large body
//	'r' bucket(1) key                     a record
//	't' list(4) 9-prio(1)                 a truncation that is not carried out yet
//	'g'                                   number of the commit group
//	'n'                                   all ids below are used
//	'c'                                   counters of a clean stop
//
// An entry's flags are in its key, so that counting and recovery need not read values, and
// since an acknowledgment knows them it can name the key.
const (
	entryFamily    = 'e'
	messageFamily  = 'm'
	partFamily     = 'p'
	recordFamily   = 'r'
	truncateFamily = 't'
	groupKey       = "g"
	reserveKey     = "n"
	counterKey     = "c"

	entryKeySize   = 1 + 4 + 1 + 8 + 1
	messageKeySize = 1 + 8
	partKeySize    = 1 + 8 + 4
	lanePrefix     = 1 + 4 + 1

	stateTail = 0xff
	keyFlags  = store.Shared | store.Volatile | store.HasParts
)

// putEntryKey fills dst, which has entryKeySize bytes.
func putEntryKey(dst []byte, list store.ListID, prio uint8, id store.ID, tail byte) {
	dst[0] = entryFamily
	binary.BigEndian.PutUint32(dst[1:], uint32(list))
	dst[5] = store.MaxPrio - prio
	binary.BigEndian.PutUint64(dst[6:], uint64(id))
	dst[14] = tail
}

func entryKey(list store.ListID, prio uint8, id store.ID, tail byte) []byte {
	k := make([]byte, entryKeySize)
	putEntryKey(k, list, prio, id, tail)
	return k
}

// laneStart is below each key of a lane, laneEnd above.
func laneStart(list store.ListID, prio uint8) []byte {
	return entryKey(list, prio, 0, 0)[:lanePrefix]
}

func laneEnd(list store.ListID, prio uint8) []byte {
	k := laneStart(list, prio)
	k[5]++
	return k
}

// afterID is the first key behind the entry with this id.
func afterID(list store.ListID, prio uint8, id store.ID) []byte {
	if id == ^store.ID(0) {
		return laneEnd(list, prio)
	}
	return entryKey(list, prio, id+1, 0)[:entryKeySize-1]
}

// entryAt is a decoded entry key.
type entryAt struct {
	list store.ListID
	prio uint8
	id   store.ID
	tail byte
}

func (e entryAt) lane() laneID { return laneOf(e.list, e.prio) }

func parseEntryKey(k []byte) (e entryAt, ok bool) {
	if len(k) != entryKeySize || k[5] > store.MaxPrio {
		return e, false
	}
	return entryAt{
		list: store.ListID(binary.BigEndian.Uint32(k[1:])),
		prio: store.MaxPrio - k[5],
		id:   store.ID(binary.BigEndian.Uint64(k[6:])),
		tail: k[14],
	}, true
}

// laneID is a list and a priority in one number.
type laneID uint64

func laneOf(list store.ListID, prio uint8) laneID { return laneID(list)<<8 | laneID(prio) }

func (l laneID) list() store.ListID { return store.ListID(l >> 8) }
func (l laneID) prio() uint8        { return uint8(l) }

func messageKey(id store.ID) []byte {
	return binary.BigEndian.AppendUint64([]byte{messageFamily}, uint64(id))
}

func partKey(id store.ID, part uint32) []byte {
	k := binary.BigEndian.AppendUint64([]byte{partFamily}, uint64(id))
	return binary.BigEndian.AppendUint32(k, part)
}

// partsEnd is above the keys of all parts of id.
func partsEnd(id store.ID) []byte {
	return append(partKey(id, ^uint32(0)), 0)
}

func recordKey(k store.Bucket, key []byte) []byte {
	return append([]byte{recordFamily, byte(k)}, key...)
}

func truncateKey(l laneID) []byte {
	k := laneStart(l.list(), l.prio())
	k[0] = truncateFamily
	return k
}

func be64(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }
