;; A guest that does what the second letter of the path says: see the tests. Batches of the host's lie at 4096.
(module
  (import "valor" "send" (func $send (param i32 i32)))
  (import "valor" "now" (func $now (param i32) (result i64)))
  (import "valor" "random" (func $random (param i32 i32)))
  (memory (export "memory") 4)
  (global $count (mut i32) (i32.const 48))
  ;; CREATED
  (data (i32.const 0) "\00\00\00\00\02\00\00\00\00\00\00\00")
  ;; RESPONSE 200 with a field, then DATA with END: its two bytes are the count
  (data (i32.const 100) "\0c\00\00\00\04\00\00\00\00\00\00\00\c8\00\01\00\03a-b\02\00xy")
  (data (i32.const 124) "\02\00\00\00\05\01\00\00\00\00\00\00n=")
  ;; WAKE in 5 ms
  (data (i32.const 200) "\08\00\00\00\09\00\00\00\00\00\00\00\40\4b\4c\00\00\00\00\00")
  ;; LOG
  (data (i32.const 300) "\07\00\00\00\0a\00\00\00\00\00\00\00\04\01tabcd")
  ;; FETCH for nobody: GET /up
  (data (i32.const 400) "\0f\00\00\00\08\01\00\00\00\00\00\80\00\00\00\00\03GET\03\00/up\00\00")
  ;; RESET of a request, FAILED, "no"
  (data (i32.const 500) "\03\00\00\00\06\00\00\00\00\00\00\00\03no")
  (func (export "valor_abi_version") (result i32) BODY_VERSION)
  (func (export "valor_alloc") (param i32) (result i32) (i32.const 4096))
  (func $deep (param i32) (result i32) (i32.add (i32.const 1) (call $deep (local.get 0))))
  (func $spin (loop $l (br $l)))
  (func $grow (loop $l (br_if $l (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable)
  (func $answer (param $id i32)
    (i32.store (i32.const 108) (local.get $id))
    (i32.store (i32.const 132) (local.get $id))
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (i32.store8 (i32.const 137) (global.get $count))
    (call $send (i32.const 100) (i32.const 24))
    (call $send (i32.const 124) (i32.const 14)))
  (func (export "valor_receive") (param $at i32) (param $len i32)
    (local $kind i32) (local $id i32) (local $what i32)
    (local.set $kind (i32.load8_u offset=4 (local.get $at)))
    (local.set $id (i32.load offset=8 (local.get $at)))
    (if (i32.eq (local.get $kind) (i32.const 1)) (then BODY_CREATE (return)))
    ;; WAKE and RESPONSE: the request that waits is answered; where there was none, it is the creation that waits
    (if (i32.or (i32.eq (local.get $kind) (i32.const 9)) (i32.eq (local.get $kind) (i32.const 4)))
      (then
        (if (i32.eqz (i32.load (i32.const 1000))) (then (call $send (i32.const 0) (i32.const 12)) (return)))
        (call $answer (i32.load (i32.const 1000))) (return)))
    (if (i32.ne (local.get $kind) (i32.const 3)) (then (return)))
    (local.set $what (i32.load8_u offset=23 (local.get $at)))
    (i32.store (i32.const 1000) (local.get $id))
    (if (i32.eq (local.get $what) (i32.const 0x74)) (then unreachable))                               ;; t: trap
    (if (i32.eq (local.get $what) (i32.const 0x73)) (then (call $spin)))                              ;; s: spin
    (if (i32.eq (local.get $what) (i32.const 0x64)) (then (drop (call $deep (i32.const 0)))))         ;; d: deep
    (if (i32.eq (local.get $what) (i32.const 0x67)) (then (call $grow)))                              ;; g: grow
    (if (i32.eq (local.get $what) (i32.const 0x6e)) (then (return)))                                  ;; n: no answer
    (if (i32.eq (local.get $what) (i32.const 0x77))
      (then (call $send (i32.const 200) (i32.const 20)) (return)))                                    ;; w: later
    (if (i32.eq (local.get $what) (i32.const 0x66))
      (then (call $send (i32.const 400) (i32.const 27)) (return)))                                    ;; f: fetch first
    (if (i32.eq (local.get $what) (i32.const 0x6c))
      (then (call $send (i32.const 300) (i32.const 19))))                                             ;; l: log
    (if (i32.eq (local.get $what) (i32.const 0x72))
      (then (i32.store (i32.const 508) (local.get $id)) (call $send (i32.const 500) (i32.const 15)) (return))) ;; r: reset
    (if (i32.eq (local.get $what) (i32.const 0x32))
      (then (i32.store (i32.const 108) (local.get $id))
        (call $send (i32.const 100) (i32.const 24)) (call $send (i32.const 100) (i32.const 24))))     ;; 2: two heads
    (if (i32.eq (local.get $what) (i32.const 0x62))
      (then (i32.store (i32.const 132) (local.get $id)) (call $send (i32.const 124) (i32.const 14)))) ;; b: body first
    (if (i32.eq (local.get $what) (i32.const 0x6f)) (then (call $send (i32.const 262140) (i32.const 100)))) ;; o: outside
    (if (i32.eq (local.get $what) (i32.const 0x4c)) (then (call $send (i32.const 0) (i32.const -1)))) ;; L: lying length
    (if (i32.eq (local.get $what) (i32.const 0x46))
      (then (i32.store (i32.const 100) (i32.const 0x7fffffff)) (call $send (i32.const 100) (i32.const 24)))) ;; F: lying frame
    (if (i32.eq (local.get $what) (i32.const 0x43)) (then (call $send (i32.const 0) (i32.const 12)))) ;; C: created again
    (if (i32.eq (local.get $what) (i32.const 0x75)) (then (call $answer (i32.const 77))))             ;; u: unknown id
    (if (i32.eq (local.get $what) (i32.const 0x63)) (then (drop (call $now (i32.const 9)))))          ;; c: which clock
    (if (i32.eq (local.get $what) (i32.const 0x78)) (then (call $random (i32.const 262143) (i32.const 9)))) ;; x: random
    (call $answer (local.get $id)))
  (start $begin)
  (func $begin BODY_START))
