import real
import third.numbers

VALUE = real.VALUE + third.numbers.ONE
