package java

import "math/bits"

// scaled is mantissa × 5^p5 × 2^p2.
type scaled struct {
	mantissa uint64
	p5, p2   int
}

// fixed is a non-negative number of at most 20 words, little end first: room
// for the largest value that the digit search of a double meets. It lives on
// the stack, so printing a very small or large double allocates nothing.
type fixed struct {
	w [20]uint64
	n int // words in use
}

func (v scaled) fixed() (f fixed) {
	f.w[0], f.n = v.mantissa, 1
	for p := v.p5; p > 0; {
		step := min(p, maxLongPower5)
		f.mul(power5[step])
		p -= step
	}
	f.shift(v.p2)
	return f
}

func (f *fixed) mul(m uint64) {
	var carry uint64
	for i := range f.n {
		hi, lo := bits.Mul64(f.w[i], m)
		sum, c := bits.Add64(lo, carry, 0)
		f.w[i] = sum
		carry = hi + c
	}
	if carry != 0 {
		f.w[f.n] = carry
		f.n++
	}
}

func (f *fixed) shift(n int) {
	words, rest := n/64, uint(n%64)
	for i := f.n - 1; i >= 0; i-- {
		v := f.w[i]
		f.w[i] = 0
		if rest != 0 {
			f.w[i+words+1] |= v >> (64 - rest)
		}
		f.w[i+words] = v << rest
	}
	f.n = min(f.n+words+1, len(f.w))
	f.trim()
}

func (f *fixed) trim() {
	for f.n > 1 && f.w[f.n-1] == 0 {
		f.n--
	}
}

func (f *fixed) cmp(o *fixed) int {
	if f.n != o.n {
		return f.n - o.n
	}
	for i := f.n - 1; i >= 0; i-- {
		if f.w[i] != o.w[i] {
			if f.w[i] < o.w[i] {
				return -1
			}
			return 1
		}
	}
	return 0
}

// sub subtracts o, which is not larger.
func (f *fixed) sub(o *fixed) {
	var borrow uint64
	for i := range f.n {
		f.w[i], borrow = bits.Sub64(f.w[i], o.w[i], borrow)
	}
	f.trim()
}

func (f *fixed) add(o *fixed) {
	n := max(f.n, o.n)
	var carry uint64
	for i := range n {
		f.w[i], carry = bits.Add64(f.w[i], o.w[i], carry)
	}
	f.n = n
	if carry != 0 {
		f.w[n] = carry
		f.n++
	}
}

// quoRem10 divides by s and leaves ten times the remainder. The quotient is a
// decimal digit, so subtraction finds it.
func (f *fixed) quoRem10(s *fixed) (q uint64) {
	for f.cmp(s) >= 0 {
		f.sub(s)
		q++
	}
	f.mul(10)
	return q
}

func (dg *digits) iterateBig(decExp int, bv, sv, mv scaled, compatible bool) {
	b, s, m := bv.fixed(), sv.fixed(), mv.fixed()
	tens := s
	tens.mul(10)
	q := b.quoRem10(&s)
	m.mul(10)
	low, high := b.cmp(&m) < 0, reaches(b, &m, &tens)
	if q == 0 && !high {
		decExp--
	} else {
		dg.push(q)
	}
	if !compatible || decExp < -3 || decExp >= 8 {
		low, high = false, false
	}
	for !low && !high {
		q = b.quoRem10(&s)
		m.mul(10)
		low, high = b.cmp(&m) < 0, reaches(b, &m, &tens)
		dg.push(q)
	}
	difference := 0
	if low && high {
		b.shift(1)
		difference = b.cmp(&tens)
	}
	dg.finish(decExp, low, high, int64(difference))
}

// reaches reports whether b+m comes to tens.
func reaches(b fixed, m, tens *fixed) bool {
	b.add(m)
	return b.cmp(tens) >= 0
}
