package csvio

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// Encoding names how the bytes of a file become characters.
type Encoding string

// The encodings that can be read and written. UTF16 stands for either byte
// order when a file is opened; an open file names the one it has.
const (
	Auto        Encoding = ""
	UTF8        Encoding = "utf-8"
	UTF16       Encoding = "utf-16"
	UTF16LE     Encoding = "utf-16le"
	UTF16BE     Encoding = "utf-16be"
	Windows1252 Encoding = "windows-1252"
)

// ParseEncoding reads the name of an encoding as people write it. The empty
// string and "auto" mean that the byte order mark decides.
func ParseEncoding(name string) (Encoding, error) {
	switch strings.ReplaceAll(strings.ToLower(strings.TrimSpace(name)), "_", "-") {
	case "", "auto":
		return Auto, nil
	case "utf-8", "utf8":
		return UTF8, nil
	case "utf-16", "utf16":
		return UTF16, nil
	case "utf-16le", "utf16le":
		return UTF16LE, nil
	case "utf-16be", "utf16be":
		return UTF16BE, nil
	case "windows-1252", "cp1252", "cp-1252", "ansi", "latin1", "latin-1", "iso-8859-1":
		// What calls itself Latin-1 is read as its superset, as browsers do.
		return Windows1252, nil
	}
	return Auto, fmt.Errorf("%w: unknown encoding %q; known are utf-8, utf-16 and windows-1252", ErrEncoding, name)
}

// detect settles the encoding of a file from its first bytes and says how
// long its byte order mark is.
func detect(head []byte, want Encoding) (enc Encoding, bom int, err error) {
	marked := Auto
	switch {
	case strings.HasPrefix(string(head), "\xef\xbb\xbf"):
		marked, bom = UTF8, 3
	case strings.HasPrefix(string(head), "\xff\xfe"):
		marked, bom = UTF16LE, 2
	case strings.HasPrefix(string(head), "\xfe\xff"):
		marked, bom = UTF16BE, 2
	}
	if marked != Auto {
		if want == Auto || want == marked || want == UTF16 && marked != UTF8 {
			return marked, bom, nil
		}
		return Auto, 0, fmt.Errorf("%w: the byte order mark says %s, not %s; leave the encoding out", ErrEncoding, marked, want)
	}
	switch want {
	case Auto:
		if len(head) >= 4 && (head[1] == 0 && head[3] == 0 || head[0] == 0 && head[2] == 0) {
			return Auto, 0, fmt.Errorf("%w: this looks like utf-16 without a byte order mark; ask for utf-16", ErrEncoding)
		}
		return UTF8, 0, nil
	case UTF16:
		// Without a mark Windows means little endian; a leading zero byte
		// settles it, as a header begins with an ASCII letter or a quote.
		if len(head) > 0 && head[0] == 0 {
			return UTF16BE, 0, nil
		}
		return UTF16LE, 0, nil
	default:
		return want, 0, nil
	}
}

// invalidByte marks in decoded text what could not be decoded: a byte that no
// UTF-8 text contains, so that one validity check serves every encoding.
const invalidByte = 0xff

// decoder turns r, positioned after the byte order mark, into UTF-8. UTF-8
// itself passes unchanged, bad bytes included.
func decoder(r io.Reader, enc Encoding) io.Reader {
	switch enc {
	case UTF16LE:
		return &utf16Reader{r: r, order: binary.LittleEndian}
	case UTF16BE:
		return &utf16Reader{r: r, order: binary.BigEndian}
	case Windows1252:
		return &ansiReader{r: r}
	default:
		return r
	}
}

// ansiReader decodes windows-1252. The five bytes that it leaves undefined
// become the control characters of the same number, as Windows and browsers
// have it; x/text would make all of them U+FFFD, which cannot be written back.
type ansiReader struct {
	r    io.Reader
	in   [4096]byte
	text []byte
	out  []byte
	err  error
}

// Read implements io.Reader.
func (a *ansiReader) Read(p []byte) (int, error) {
	for len(a.out) == 0 {
		if a.err != nil {
			return 0, a.err
		}
		n, err := a.r.Read(a.in[:])
		a.err = err
		a.text = a.text[:0]
		for _, b := range a.in[:n] {
			r := charmap.Windows1252.DecodeByte(b)
			if r == utf8.RuneError {
				r = rune(b)
			}
			a.text = utf8.AppendRune(a.text, r)
		}
		a.out = a.text
	}
	n := copy(p, a.out)
	a.out = a.out[n:]
	return n, nil
}

// encodeANSI is the inverse of ansiReader.
func encodeANSI(r rune) (byte, bool) {
	if r < 0x100 {
		if b := byte(r & 0xff); charmap.Windows1252.DecodeByte(b) == utf8.RuneError {
			return b, true
		}
	}
	return charmap.Windows1252.EncodeRune(r)
}

// utf16Reader decodes UTF-16 and marks lone surrogates and an odd last byte,
// which x/text would turn into U+FFFD without a word.
type utf16Reader struct {
	r     io.Reader
	order binary.ByteOrder
	in    [4096]byte
	held  int    // bytes of in not decoded yet
	text  []byte // decoded, reused
	out   []byte // the part of text not handed out yet
	high  uint16 // a high surrogate that waits for its other half
	err   error
}

// Read implements io.Reader.
func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.out) == 0 {
		if u.err != nil {
			return 0, u.err
		}
		n, err := u.r.Read(u.in[u.held:])
		u.held += n
		u.err = err
		u.decode(err != nil)
	}
	n := copy(p, u.out)
	u.out = u.out[n:]
	return n, nil
}

func (u *utf16Reader) decode(last bool) {
	out := u.text[:0]
	i := 0
	for ; i+1 < u.held; i += 2 {
		c := u.order.Uint16(u.in[i:])
		if u.high != 0 {
			if r := utf16.DecodeRune(rune(u.high), rune(c)); r != utf8.RuneError {
				out = utf8.AppendRune(out, r)
				u.high = 0
				continue
			}
			out = append(out, invalidByte)
			u.high = 0
		}
		switch {
		case c < 0xd800 || c > 0xdfff:
			out = utf8.AppendRune(out, rune(c))
		case c < 0xdc00:
			u.high = c
		default:
			out = append(out, invalidByte)
		}
	}
	copy(u.in[:], u.in[i:u.held])
	u.held -= i
	if last && (u.held > 0 || u.high != 0) {
		out = append(out, invalidByte)
		u.held, u.high = 0, 0
	}
	u.text, u.out = out, out
}

// encode appends text in the encoding. Bytes that are not UTF-8, which only a
// row that could not be decoded holds, stay undecodable.
func encode(dst []byte, text string, enc Encoding) ([]byte, rune, bool) {
	switch enc {
	case UTF16LE, UTF16BE:
		var order binary.AppendByteOrder = binary.LittleEndian
		if enc == UTF16BE {
			order = binary.BigEndian
		}
		for i := 0; i < len(text); {
			r, n := utf8.DecodeRuneInString(text[i:])
			i += n
			switch {
			case r == utf8.RuneError && n == 1:
				dst = order.AppendUint16(dst, 0xdc00)
			case r > 0xffff:
				hi, lo := utf16.EncodeRune(r)
				dst = order.AppendUint16(order.AppendUint16(dst, uint16(hi)), uint16(lo)) //nolint:gosec // both halves fit by definition
			default:
				dst = order.AppendUint16(dst, uint16(r)) //nolint:gosec // checked above
			}
		}
		return dst, 0, true
	case Windows1252:
		for _, r := range text {
			b, ok := encodeANSI(r)
			if !ok {
				return dst, r, false
			}
			dst = append(dst, b)
		}
		return dst, 0, true
	default:
		return append(dst, text...), 0, true
	}
}
