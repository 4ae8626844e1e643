package java

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"testing"
)

func TestPowersAreThoseOfJava(t *testing.T) {
	f, err := os.Open("testdata/pow.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cases, off := 0, 0
	for sc := bufio.NewScanner(f); sc.Scan(); cases++ {
		var x, y, want uint64
		if _, err := fmt.Sscanf(sc.Text(), "%x %x %x", &x, &y, &want); err != nil {
			t.Fatal(err)
		}
		got := Pow(math.Float64frombits(x), math.Float64frombits(y))
		if w := math.Float64frombits(want); got != w && (got == got || w == w) {
			off++
			if math.Abs(got-w) > math.Abs(w)*1e-15 {
				t.Errorf("Pow(%v, %v) = %v, Java has %v", math.Float64frombits(x), math.Float64frombits(y), got, w)
			}
		}
	}
	if off*200 > cases {
		t.Errorf("%d of %d powers differ in the last digit", off, cases)
	}
}

func TestPowersAtTheEdges(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct{ x, y, want float64 }{
		{5, 0, 1},
		{math.NaN(), 0, 1},
		{0, -1, inf},
		{-2, 3, -8},
		{-2, 2, 4},
		{-2, -1, -0.5},
		{2, 1024, inf},
		{2, -1074, 5e-324},
		{2, -1076, 0},
		{10, 308, 1e308},
		{inf, 2, inf},
		{0.5, inf, 0},
		{2, 0.5, math.Sqrt2},
	} {
		if got := Pow(c.x, c.y); got != c.want {
			t.Errorf("Pow(%v, %v) = %v, want %v", c.x, c.y, got, c.want)
		}
	}
	for _, c := range [][2]float64{{1, inf}, {-1, -inf}, {-8, 1.0 / 3}, {2, math.NaN()}, {math.NaN(), 2}} {
		if got := Pow(c[0], c[1]); got == got {
			t.Errorf("Pow(%v, %v) = %v, want NaN", c[0], c[1], got)
		}
	}
}

func TestWholePowersAreThoseOfPow(t *testing.T) {
	exact := 0
	for x := -12.0; x <= 12; x++ {
		for y := 0.0; y <= 60; y++ {
			if got, ok := WholePow(x, y); ok {
				exact++
				if want := Pow(x, y); got != want {
					t.Errorf("WholePow(%v, %v) = %v, want %v", x, y, got, want)
				}
			}
		}
	}
	if _, ok := WholePow(2.5, 2); ok || exact < 300 {
		t.Errorf("%d whole powers, and 2.5²", exact)
	}
}
