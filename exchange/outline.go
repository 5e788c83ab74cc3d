package exchange

// outline names the members of an object that are read, and of which of them members are read in
// turn; nil where the value itself is.
type outline map[string]outline

// parseOutline reads one JSON object (RFC 8259), of which somebody else wrote a part, and keeps
// the members that wanted names. Each of these stands there at most once, and its text is of
// whole characters, as parseJSON has it. All else need only be JSON: names may stand twice,
// surrogates alone, and values nest as deep as they like.
func parseOutline(src string, wanted outline) (jsonDoc, error) {
	p := jsonParser{src: src, loose: true}
	return p.document(func() error { return p.outlined("", wanted) })
}

// outlined reads a value as far as it is wanted. Of an array, and of an object where a scalar is
// wanted, no more is kept than what it is.
func (p *jsonParser) outlined(name string, wanted outline) error {
	at := len(p.doc)
	p.doc = append(p.doc, jsonNode{name: name})
	kind, text, err := jsonNull, "", error(nil)
	switch c := p.peek(); {
	case c == '{' && wanted != nil:
		kind, err = jsonObject, p.wantedMembers(wanted)
	case c == '{':
		kind, err = jsonObject, p.skip()
	case c == '[':
		kind, err = jsonArray, p.skip()
	default:
		p.loose = wanted != nil
		kind, text, err = p.scalar()
		p.loose = true
	}
	if err != nil {
		return err
	}
	p.doc[at].kind, p.doc[at].text, p.doc[at].next = kind, text, len(p.doc)
	if kind == jsonObject {
		return p.doc.uniqueNames(at) // of those that were kept
	}
	return nil
}

// wantedMembers reads an object's members and keeps those that are wanted.
func (p *jsonParser) wantedMembers(wanted outline) error {
	p.pos++
	return p.members(func(name string) error {
		if within, found := wanted[name]; found {
			return p.outlined(name, within)
		}
		return p.skip()
	})
}

// skip reads a value and keeps nothing of it. It does not recurse: the stack is no bound to how
// deep a value may be.
func (p *jsonParser) skip() error {
	var open []byte // the brackets that are yet to close, the innermost last
	for {
		more := false
		switch c := p.peek(); c {
		case '{', '[':
			closing := c + 2 // in ASCII
			p.pos++
			if p.space(); p.peek() == closing {
				p.pos++
			} else {
				open, more = append(open, closing), true
			}
		default:
			if _, _, err := p.scalar(); err != nil {
				return err
			}
		}
		for !more && len(open) > 0 { // what ends with the value that ended
			var err error
			if more, err = p.separator(open[len(open)-1]); err != nil {
				return err
			}
			if !more {
				open = open[:len(open)-1]
			}
		}
		if !more {
			return nil
		}
		if p.space(); open[len(open)-1] == '}' {
			if _, err := p.name(); err != nil {
				return err
			}
		}
	}
}
