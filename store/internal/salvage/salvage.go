// Package salvage reads what is left of a damaged log or manifest of the engine.
//
// Such a file is a sequence of blocks of 32 KiB, a block one of chunks, and a record one or more
// chunks:
//
//	check value(4) length(2) type(1) [log number(4) [synced offset(8)]] payload
//
// Numbers are little endian. The check value is the CRC-32C of what follows the length, rotated
// and offset. The type says whether the chunk is a whole record, its first, middle or last part,
// and how long the header is. A log may have been a longer one before: what is left of that has
// another log number.
package salvage

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
)

const (
	blockSize = 32 << 10
	minHeader = 4 + 2 + 1
)

// positions of a chunk in its record.
const (
	full = iota
	first
	middle
	last
	kinds
)

// headers are the lengths of a chunk's header, by generations of types.
var headers = [...]int{minHeader, minHeader + 4, minHeader + 4 + 8}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Gap is a damaged stretch of a file.
type Gap struct {
	From, To int // offsets
	Records  int // how many were read before it
}

// Records calls fn for each whole record of a file, in order; fn must not keep its argument. It
// returns the stretches between records that are damaged. What can't be read at the end is none:
// nothing tells it from the end of the file, or from a write that was cut off.
func Records(file []byte, number uint32, fn func(record []byte) error) ([]Gap, error) {
	s := scanner{file: file, number: number}
	n := 0
	var gaps []Gap
	end := 0 // of the last record
	for {
		record, from, ok := s.next()
		if !ok {
			return gaps, nil
		}
		if s.damaged {
			gaps = append(gaps, Gap{From: end, To: from, Records: n})
			s.damaged = false
		}
		if err := fn(record); err != nil {
			return gaps, err
		}
		end = s.at
		n++
	}
}

// scanner finds chunks.
type scanner struct {
	file    []byte
	number  uint32
	at      int
	skipped bool // something was passed over before the last chunk
	damaged bool // or before it, since the last record
	record  []byte
}

// next returns the next record and where it began. The record is valid until the next call.
func (s *scanner) next() (record []byte, from int, ok bool) {
	open := false
	s.record = s.record[:0]
	for {
		position, payload, at, ok := s.chunk()
		if !ok {
			return nil, 0, false
		}
		s.damaged = s.damaged || s.skipped
		open = open && !s.skipped
		switch position {
		case full, first:
			s.damaged = s.damaged || open
			from, open = at, true
			s.record = append(s.record[:0], payload...)
		default:
			if !open {
				s.damaged = true
				continue
			}
			s.record = append(s.record, payload...)
		}
		if position == full || position == last {
			return s.record, from, true
		}
	}
}

// chunk returns the next chunk that is whole.
func (s *scanner) chunk() (position int, payload []byte, at int, ok bool) {
	s.skipped = false
	for s.at < len(s.file) {
		block := s.file[s.at:min(len(s.file), (s.at/blockSize+1)*blockSize)]
		if len(block) < minHeader || zero(block[:min(len(block), headers[2])]) && zero(block) {
			s.at += len(block)
			continue
		}
		if position, payload, n := s.parse(block); n > 0 {
			at, s.at = s.at, s.at+n
			return position, payload, at, true
		}
		s.skipped = true
		s.at++
	}
	return 0, nil, 0, false
}

// parse reads the chunk that p begins with; n is 0 if it is none.
func (s *scanner) parse(p []byte) (position int, payload []byte, n int) {
	if len(p) < minHeader {
		return 0, nil, 0
	}
	kind := int(p[6]) - 1
	if kind < 0 || kind >= kinds*len(headers) {
		return 0, nil, 0
	}
	header := headers[kind/kinds]
	n = header + int(binary.LittleEndian.Uint16(p[4:]))
	if n > len(p) || header > minHeader && binary.LittleEndian.Uint32(p[minHeader:]) != s.number {
		return 0, nil, 0
	}
	if c := crc32.Checksum(p[6:n], castagnoli); (c>>15|c<<17)+0xa282ead8 != binary.LittleEndian.Uint32(p) {
		return 0, nil, 0
	}
	return kind % kinds, p[header:n], n
}

func zero(p []byte) bool { return !slices.ContainsFunc(p, func(b byte) bool { return b != 0 }) }
