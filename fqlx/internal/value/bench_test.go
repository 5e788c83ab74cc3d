package value

import "testing"

func benchValue(b *testing.B) Value {
	_, args, err := readQuery(NewReader([]byte(queryBody)))
	if err != nil {
		b.Fatal(err)
	}
	return args[0]
}

func BenchmarkAppendJSON(b *testing.B) {
	v := benchValue(b)
	for name, f := range map[string]Format{"tagged": Tagged, "simple": Simple} {
		b.Run(name, func(b *testing.B) {
			buf := AppendJSON(nil, v, f)
			b.SetBytes(int64(len(buf)))
			b.ReportAllocs()
			for b.Loop() {
				buf = AppendJSON(buf[:0], v, f)
			}
		})
	}
}

func BenchmarkDecodeJSON(b *testing.B) {
	text := AppendJSON(nil, benchValue(b), Tagged)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeJSON(text, Tagged); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadQuery(b *testing.B) {
	b.SetBytes(int64(len(queryBody)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := readQuery(NewReader([]byte(queryBody))); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendKey(b *testing.B) {
	key := Array{String("main"), String("auth0|65f0c1d2e3a4b5c6d7e8f901"), Long(412345678901234567)}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendKey(buf[:0], key, false)
	}
}

func BenchmarkBinary(b *testing.B) {
	v := benchValue(b).(*Object).With("org", Ref{Coll: 7, ID: 7})
	text := AppendBinary(nil, v)
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			text = AppendBinary(text[:0], v)
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := DecodeBinary(text); err != nil {
				b.Fatal(err)
			}
		}
	})
}
