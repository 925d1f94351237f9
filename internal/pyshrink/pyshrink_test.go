package pyshrink

import (
	"os/exec"
	"strings"
	"testing"

	"rules_romfs/internal/peer"
)

const program = `# A program.
import sys

total = 0  # the host's choice


class Counter:
    start = 1

    def add(self, number, times=1):
        self.value = number * times + self.start
        return self


def sum_up(numbers):
    # Adds them.
    global total
    for number in numbers:
        if number == 3 or number != number:
            continue
        while number > 100:
            number -= 1
            total += 1
        total += number
    return [
        total,
        "a # text, 'so'",
        b"\x10\"",
    ]


def _kept(first, *rest):
    try:
        left, right = first[0], rest
        return "%s in %s" % (left, len(right)) if left in (1, 2) else None
    except (IndexError, TypeError) as error:
        return str(error)
    finally:
        first = None


pairs = {str(key): value for key, value in ((1, 2), (3, 4))}
print(sum_up([1, 2, 3, 150])[1:], total, Counter().add(3, 2).value)
print(_kept([1], 2, 3), _kept([]), sorted(pairs.items()), sys.maxsize > 0, ~total, 7 // 2, -total)
`

// TestSameProgram runs a program as it is written and as it is sent.
func TestSameProgram(t *testing.T) {
	t.Parallel()
	run := func(text string) string {
		out, err := exec.Command(peer.MicroPython(t), "-c", text).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s\nof\n%s", err, out, text)
		}
		return string(out)
	}
	short := NamesOf(program).Shrink(program)
	if a, b := run(program), run(short); a != b || a == "" {
		t.Errorf("it prints %q and %q:\n%s", a, b, short)
	}
	if len(short) > len(program)*6/10 {
		t.Errorf("%d bytes of %d are left:\n%s", len(short), len(program), short)
	}
	if strings.Contains(short, "number") || !strings.Contains(short, "def _kept(a,*b):") {
		t.Errorf("names: %s", short)
	}
}

// TestNamesAreShared: what one program binds, another uses.
func TestNamesAreShared(t *testing.T) {
	t.Parallel()
	first, second := "counter = 1\n\n\ndef add(counter_by):\n    return counter + counter_by\n", "def show():\n    print(add(counter), addition)\n"
	names := NamesOf(first, second)
	if got, want := names.Shrink(first)+names.Shrink(second), "A=1\ndef B(a):return A+a\ndef C():print(B(A),addition)\n"; got != want {
		t.Errorf("%q instead of %q", got, want)
	}
}
