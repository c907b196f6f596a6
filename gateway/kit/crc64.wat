;; CRC-64/XZ: polynomial 0x42F0E1EBA9EA3693 in reflected bit order, initial value and final xor all ones,
;; check value of "123456789" 0x995DC9BBDF1939FA. It is what COS sends as x-cos-hash-crc64ecma
;; (COS documentation page 40334).
;;
;; Compiled into crc64-wasm.ts by scripts/generate-crc64.ts. The memory is imported, so the checksum is
;; taken where the bytes already are. Reads only the range it is given, writes only its tables.
;;
;; All values here are *raw* states, without the all-ones in front and behind; crc64.ts adds those. A raw
;; state is a polynomial over GF(2), bit 63 being x^0, so that states can be multiplied and added.
;;
;; The first 33,280 bytes of the memory:
;;      0  16 tables of 256 states: table k, entry b = the state of byte b followed by k zero bytes
;;  32768  64 powers: entry k = x^(8 * 2^k), what 2^k zero bytes multiply a state by
;;
;; One chain of look-ups is enough: with the look-ups written out (V8 does not inline WebAssembly
;; functions) a second, interleaved chain was no faster; the number of instructions is the limit.
(module
  (import "env" "memory" (memory 1))

  ;; Makes the tables. To be called once, before anything else.
  (func (export "prepare")
    (local $at i32) (local $state i64) (local $bits i32)
    ;; table 0, bit by bit
    (loop $bytes
      (local.set $state (i64.extend_i32_u (i32.shr_u (local.get $at) (i32.const 3))))
      (local.set $bits (i32.const 8))
      (loop $shift
        (local.set $state (call $times_x (local.get $state)))
        (br_if $shift (local.tee $bits (i32.sub (local.get $bits) (i32.const 1)))))
      (i64.store (local.get $at) (local.get $state))
      (br_if $bytes
        (i32.lt_u
          (local.tee $at (i32.add (local.get $at) (i32.const 8)))
          (i32.const 2048))))
    ;; tables 1 to 15: the entry one table earlier, followed by one more zero byte
    (local.set $at (i32.const 0))
    (loop $derive
      (i64.store offset=2048
        (local.get $at)
        (call $byte (i64.load (local.get $at)) (i64.const 0)))
      (br_if $derive
        (i32.lt_u
          (local.tee $at (i32.add (local.get $at) (i32.const 8)))
          (i32.const 30720))))
    ;; powers: x^8, then squares
    (local.set $at (i32.const 32768))
    (local.set $state (i64.const 0x0080000000000000))
    (loop $square
      (i64.store (local.get $at) (local.get $state))
      (local.set $state (call $multiply (local.get $state) (local.get $state)))
      (br_if $square
        (i32.lt_u
          (local.tee $at (i32.add (local.get $at) (i32.const 8)))
          (i32.const 33280)))))

  ;; One step of the shift register: to the right, because the bit order is reflected.
  (func $times_x (param $state i64) (result i64)
    (i64.xor
      (i64.shr_u (local.get $state) (i64.const 1))
      (i64.and
        (i64.sub (i64.const 0) (i64.and (local.get $state) (i64.const 1)))
        (i64.const 0xC96C5795D7870F42))))

  ;; Product of two states modulo the polynomial.
  (func $multiply (param $a i64) (param $b i64) (result i64)
    (local $product i64)
    (block $done
      (loop $bits
        (br_if $done (i64.eqz (local.get $a)))
        ;; the top bit of $a, spread over the word, selects $b
        (local.set $product
          (i64.xor
            (local.get $product)
            (i64.and (local.get $b) (i64.shr_s (local.get $a) (i64.const 63)))))
        (local.set $a (i64.shl (local.get $a) (i64.const 1)))
        (local.set $b (call $times_x (local.get $b)))
        (br $bits)))
    (local.get $product))

  ;; The state after $bytes zero bytes; $bytes is an unsigned 64-bit number. One multiplication per bit
  ;; that is set in $bytes, so round part sizes are cheap.
  (func (export "shift") (param $state i64) (param $bytes i64) (result i64)
    (local $power i32)
    (local.set $power (i32.const 32768))
    (block $done
      (loop $bits
        (br_if $done (i64.eqz (local.get $bytes)))
        (if (i32.wrap_i64 (i64.and (local.get $bytes) (i64.const 1)))
          (then
            (local.set $state
              (call $multiply (i64.load (local.get $power)) (local.get $state)))))
        (local.set $bytes (i64.shr_u (local.get $bytes) (i64.const 1)))
        (local.set $power (i32.add (local.get $power) (i32.const 8)))
        (br $bits)))
    (local.get $state))

  ;; The state after one byte.
  (func $byte (param $state i64) (param $value i64) (result i64)
    (i64.xor
      (i64.shr_u (local.get $state) (i64.const 8))
      (i64.load
        (i32.wrap_i64
          (i64.shl
            (i64.and (i64.xor (local.get $state) (local.get $value)) (i64.const 255))
            (i64.const 3))))))

  ;; The state after the $bytes bytes at $at. Sixteen at once: the byte k places before the last is
  ;; followed by k zero bytes, so it is looked up in table k. 0x7F8 masks eight bits, times eight.
  (func (export "update") (param $state i64) (param $at i32) (param $bytes i32) (result i64)
    (local $low i64) (local $high i64)
    (block $tail
      (loop $blocks
        (br_if $tail (i32.lt_u (local.get $bytes) (i32.const 16)))
        (local.set $low (i64.xor (local.get $state) (i64.load (local.get $at))))
        (local.set $high (i64.load offset=8 (local.get $at)))
        (local.set $state
          (i64.xor
            (i64.xor
              (i64.xor
                (i64.xor
                  (i64.load offset=14336 (i32.wrap_i64 (i64.and (i64.shl (local.get $high) (i64.const 3)) (i64.const 0x7F8))))
                  (i64.load offset=12288 (i32.wrap_i64 (i64.and (i64.shr_u (local.get $high) (i64.const 5)) (i64.const 0x7F8)))))
                (i64.xor
                  (i64.load offset=10240 (i32.wrap_i64 (i64.and (i64.shr_u (local.get $high) (i64.const 13)) (i64.const 0x7F8))))
                  (i64.load offset=8192 (i32.wrap_i64 (i64.and (i64.shr_u (local.get $high) (i64.const 21)) (i64.const 0x7F8))))))
              (i64.xor
                (i64.xor
                  (i64.load offset=6144 (i32.wrap_i64 (i64.and (i64.shr_u (local.get $high) (i64.const 29)) (i64.const 0x7F8))))
                  (i64.load offset=4096 (i32.wrap_i64 (i64.and (i64.shr_u (local.get $high) (i64.const 37)) (i64.const 0x7F8)))))
                (i64.xor
                  (i64.load offset=2048 (i32.wrap_i64 (i64.and (i64.shr_u (local.get $high) (i64.const 45)) (i64.const 0x7F8))))
                  (i64.load (i32.wrap_i64 (i64.and (i64.shr_u (local.get $high) (i64.const 53)) (i64.const 0x7F8)))))))
            (i64.xor
              (i64.xor
                (i64.xor
                  (i64.load offset=30720 (i32.wrap_i64 (i64.and (i64.shl (local.get $low) (i64.const 3)) (i64.const 0x7F8))))
                  (i64.load offset=28672 (i32.wrap_i64 (i64.and (i64.shr_u (local.get $low) (i64.const 5)) (i64.const 0x7F8)))))
                (i64.xor
                  (i64.load offset=26624 (i32.wrap_i64 (i64.and (i64.shr_u (local.get $low) (i64.const 13)) (i64.const 0x7F8))))
                  (i64.load offset=24576 (i32.wrap_i64 (i64.and (i64.shr_u (local.get $low) (i64.const 21)) (i64.const 0x7F8))))))
              (i64.xor
                (i64.xor
                  (i64.load offset=22528 (i32.wrap_i64 (i64.and (i64.shr_u (local.get $low) (i64.const 29)) (i64.const 0x7F8))))
                  (i64.load offset=20480 (i32.wrap_i64 (i64.and (i64.shr_u (local.get $low) (i64.const 37)) (i64.const 0x7F8)))))
                (i64.xor
                  (i64.load offset=18432 (i32.wrap_i64 (i64.and (i64.shr_u (local.get $low) (i64.const 45)) (i64.const 0x7F8))))
                  (i64.load offset=16384 (i32.wrap_i64 (i64.and (i64.shr_u (local.get $low) (i64.const 53)) (i64.const 0x7F8)))))))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (local.set $bytes (i32.sub (local.get $bytes) (i32.const 16)))
        (br $blocks)))
    (block $done
      (loop $rest
        (br_if $done (i32.eqz (local.get $bytes)))
        (local.set $state (call $byte (local.get $state) (i64.load8_u (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (local.set $bytes (i32.sub (local.get $bytes) (i32.const 1)))
        (br $rest)))
    (local.get $state)))
