package agent

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// The ring is compared with a list of all bytes and their channels.
func TestRing(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	r := newRing()
	var data, channels []byte
	for round := range 4000 {
		for range random.IntN(4) {
			most := 1 << random.IntN(17)
			room := r.space(1 + random.IntN(most))
			channel := random.IntN(2)
			for i := range room {
				room[i] = byte(random.Uint32())
			}
			data = append(data, room...)
			channels = append(channels, bytes.Repeat([]byte{byte(channel)}, len(room))...)
			r.add(len(room), channel)
		}
		if r.end != uint64(len(data)) || r.oldest != uint64(max(0, len(data)-ringSize)) {
			t.Fatalf("round %d: from %d to %d of %d", round, r.oldest, r.end, len(data))
		}
		if r.end == 0 {
			continue
		}
		at := r.oldest + random.Uint64N(r.end-r.oldest)
		most := 1 + random.IntN(40_000)
		got := r.run(at, most)
		want := bytes.IndexByte(channels[at:], 1-channels[at])
		if want < 0 {
			want = len(data) - int(at)
		}
		want = min(want, most, ringSize-int(at%ringSize))
		if r.channel(at) != int(channels[at]) || !bytes.Equal(got, data[at:int(at)+want]) {
			t.Fatalf("round %d: %d bytes from %d, want %d", round, len(got), at, want)
		}
	}
}
