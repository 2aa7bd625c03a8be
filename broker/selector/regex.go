package selector

import (
	"regexp"
	"strings"
)

// split is Java's String.split: a positive limit is the most pieces there may be, 0 drops empty
// pieces at the end, and a negative one keeps all. Nothing at the beginning is no separator.
func split(s string, regex *regexp.Regexp, limit int64) value {
	var pieces []value
	from := 0
	for _, at := range regex.FindAllStringIndex(s, maxList+1) {
		if limit > 0 && int64(len(pieces)) == limit-1 {
			break
		}
		if at[1] == 0 {
			continue
		}
		if len(pieces) == maxList {
			return value{}
		}
		pieces = append(pieces, ofText(s[from:at[0]]))
		from = at[1]
	}
	pieces = append(pieces, ofText(s[from:]))
	if limit == 0 && len(pieces) > 1 {
		for len(pieces) > 0 && pieces[len(pieces)-1].text == "" {
			pieces = pieces[:len(pieces)-1]
		}
	}
	return value{kind: list, list: pieces}
}

// replace is Java's String.replaceAll. In the replacement, $1 and ${name} stand for groups, and a
// backslash takes the meaning from what follows. It returns NULL for a replacement that means
// nothing, and for a result that would be too long.
func replace(s string, regex *regexp.Regexp, replacement string) value {
	found := regex.FindAllStringSubmatchIndex(s, maxList+1)
	if len(found) > maxList {
		return value{}
	}
	var b strings.Builder
	from := 0
	for _, at := range found {
		b.WriteString(s[from:at[0]])
		from = at[1]
		if !expand(&b, s, regex, at, replacement) || b.Len() > maxText {
			return value{}
		}
	}
	if b.Len()+len(s)-from > maxText {
		return value{}
	}
	b.WriteString(s[from:])
	return ofText(b.String())
}

// expand writes the replacement of one match, and reports whether it means something.
func expand(b *strings.Builder, s string, regex *regexp.Regexp, at []int, replacement string) bool {
	for i := 0; i < len(replacement); i++ {
		switch c := replacement[i]; c {
		case '\\':
			if i++; i == len(replacement) {
				return false
			}
			b.WriteByte(replacement[i])
		case '$':
			group, n := reference(regex, replacement[i+1:])
			if n == 0 {
				return false
			}
			i += n
			if start := at[2*group]; start >= 0 {
				b.WriteString(s[start:at[2*group+1]])
			}
		default:
			b.WriteByte(c)
		}
		if b.Len() > maxText {
			return false
		}
	}
	return true
}

// reference reads what stands after a $: a group and how many bytes name it, or 0 bytes if
// there is no such group. Of digits, as many count as name a group.
func reference(regex *regexp.Regexp, s string) (group, n int) {
	if strings.HasPrefix(s, "{") {
		end := strings.IndexByte(s, '}')
		if end < 0 {
			return 0, 0
		}
		if group = regex.SubexpIndex(s[1:end]); group < 0 {
			return 0, 0
		}
		return group, end + 1
	}
	for n < len(s) && isDigit(s[n]) {
		next := group*10 + int(s[n]-'0')
		if next > regex.NumSubexp() {
			break
		}
		group = next
		n++
	}
	return group, n
}
