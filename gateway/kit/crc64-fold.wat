;; Folding for CRC-64/XZ in 128-bit SIMD: makes a long stretch of bytes 4,832 bytes long without changing its
;; checksum, for crc64.wat to finish. Compiled into crc64-wasm.ts by scripts/generate-crc64.ts.
;;
;; WebAssembly has no carry-less multiplication, but adding a multiple of the CRC's polynomial to a message is
;; free to choose, and it need not be multiplied if it has few terms. With x standing for a word of 16 bytes,
;;
;;   x^302 + x^298 + x^283 + x^279 + x^246 + x^245 + x^185 + x^169 + x^167 + x^138 + x^60 + 1
;;
;; is a multiple of it. (Of sums of twelve powers up to x^302 there are 2^65, of remainders 2^64: so there are
;; one or two with this degree and hardly any with a lower one. A search for equal remainders among the sums of
;; five and of six powers finds it; test/kit/crc64-fold.test.ts divides it. Squaring over GF(2) doubles the
;; exponents, so a multiple for x of one bit is one for x of 128.) Known as Chorba, from CRC-32 in zlib-ng.
;;
;; So the first word of a message vanishes when it is added to the words 4, 19, 23, 56, 57, 117, 133, 135,
;; 164, 242 and 302 places behind it, and so does each after it, but for the last 302. Turned around: each
;; word becomes the sum of itself and what became of the words that far before it.
;;
;; Memory from 33,280 on, 16 KiB, as words: 302 that came before, then 722 that are made. The word at address
;; a and one at distance d before the word 302 behind a are 16 * (302 - d) apart: the exponents above.
(module
  (import "env" "memory" (memory 1))

  ;; Takes the $bytes bytes at $at, a multiple of 16 and at least 4,832, behind the raw state $state. Leaves
  ;; 4,832 bytes at 33,280 whose raw state, from 0 on, is that of all.
  (func (export "fold") (param $state i64) (param $at i32) (param $bytes i32)
    (local $word i32) (local $end i32)
    ;; A state is what lies before the message: as the word 302 before the first, it is added to that alone.
    (memory.fill (i32.const 33280) (i32.const 0) (i32.const 4832))
    (i64.store (i32.const 33280) (local.get $state))
    (local.set $bytes (i32.sub (local.get $bytes) (i32.const 4832)))
    (block $made
      (loop $stretches
        (br_if $made (i32.eqz (local.get $bytes)))
        (local.set $end
          (select (local.get $bytes) (i32.const 11552)
            (i32.lt_u (local.get $bytes) (i32.const 11552))))
        (local.set $bytes (i32.sub (local.get $bytes) (local.get $end)))
        (local.set $word (i32.const 33280))
        (local.set $end (i32.add (local.get $end) (i32.const 33280)))
        (loop $words
          (v128.store offset=4832 (local.get $word)
            (v128.xor
              (v128.xor
                (v128.xor
                  (v128.xor
                    (v128.load (local.get $at))
                    (v128.load offset=4768 (local.get $word)))
                  (v128.load offset=4528 (local.get $word)))
                (v128.xor
                  (v128.xor
                    (v128.load offset=4464 (local.get $word))
                    (v128.load offset=3936 (local.get $word)))
                  (v128.load offset=3920 (local.get $word))))
              (v128.xor
                (v128.xor
                  (v128.xor
                    (v128.load offset=2960 (local.get $word))
                    (v128.load offset=2704 (local.get $word)))
                  (v128.load offset=2672 (local.get $word)))
                (v128.xor
                  (v128.xor
                    (v128.load offset=2208 (local.get $word))
                    (v128.load offset=960 (local.get $word)))
                  (v128.load (local.get $word))))))
          (local.set $at (i32.add (local.get $at) (i32.const 16)))
          (br_if $words
            (i32.lt_u
              (local.tee $word (i32.add (local.get $word) (i32.const 16)))
              (local.get $end))))
        ;; the last 302 are those before the next
        (memory.copy (i32.const 33280) (local.get $word) (i32.const 4832))
        (br $stretches)))
    ;; What is left of the message takes what came before it, and gives nothing on: zeros stand for it.
    (memory.fill (i32.const 38112) (i32.const 0) (i32.const 4832))
    (local.set $word (i32.const 33280))
    (loop $rest
      (v128.store (local.get $word)
        (v128.xor
          (v128.xor
            (v128.xor
              (v128.xor
                (v128.load (local.get $at))
                (v128.load offset=4768 (local.get $word)))
              (v128.load offset=4528 (local.get $word)))
            (v128.xor
              (v128.xor
                (v128.load offset=4464 (local.get $word))
                (v128.load offset=3936 (local.get $word)))
              (v128.load offset=3920 (local.get $word))))
          (v128.xor
            (v128.xor
              (v128.xor
                (v128.load offset=2960 (local.get $word))
                (v128.load offset=2704 (local.get $word)))
              (v128.load offset=2672 (local.get $word)))
            (v128.xor
              (v128.xor
                (v128.load offset=2208 (local.get $word))
                (v128.load offset=960 (local.get $word)))
              (v128.load (local.get $word))))))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br_if $rest
        (i32.lt_u
          (local.tee $word (i32.add (local.get $word) (i32.const 16)))
          (i32.const 38112))))))
