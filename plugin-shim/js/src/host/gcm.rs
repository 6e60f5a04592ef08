//! AES-GCM with an iv of any length, after NIST SP 800-38D; `ring` takes only those of 12 bytes.

use aes::cipher::consts::U16;
use aes::cipher::{Array, BlockCipherEncrypt, BlockSizeUser, InnerIvInit as _, KeyInit, StreamCipher as _};
use aes::{Aes128, Aes256};
use ctr::{Ctr32BE, CtrCore};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;

/// The length of a tag in bytes.
const TAG: usize = 16;

type Block = Array<u8, U16>;

/// Encrypts `data` and appends its tag. `None`: the key has neither 128 nor 256 bits, or the iv is empty.
pub(super) fn seal(key: &[u8], iv: &[u8], additional: &[u8], data: &mut Vec<u8>) -> Option<()> {
    match key.len() {
        16 => Gcm::<Aes128>::new(key, iv)?.seal(additional, data),
        32 => Gcm::<Aes256>::new(key, iv)?.seal(additional, data),
        _ => None,
    }
}

/// Decrypts `data`, which ends with its tag, and takes that off. `None`, as before, or when it was not encrypted so.
pub(super) fn open(key: &[u8], iv: &[u8], additional: &[u8], data: &mut Vec<u8>) -> Option<()> {
    match key.len() {
        16 => Gcm::<Aes128>::new(key, iv)?.open(additional, data),
        32 => Gcm::<Aes256>::new(key, iv)?.open(additional, data),
        _ => None,
    }
}

/// One use of a key.
struct Gcm<C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>> {
    hash: GHash,
    /// What the hash is masked with.
    mask: Block,
    stream: Ctr32BE<C>,
}

impl<C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + KeyInit> Gcm<C> {
    fn new(key: &[u8], iv: &[u8]) -> Option<Self> {
        let cipher = C::new_from_slice(key).ok().filter(|_| !iv.is_empty())?;
        let mut hash_key = Block::default();
        cipher.encrypt_block(&mut hash_key);
        let hash = GHash::new(&hash_key);
        let start = match iv.len() {
            12 => {
                let mut start = Block::default();
                start[..12].copy_from_slice(iv);
                start[15] = 1;
                start
            }
            _ => hashed(hash.clone(), &[], iv).finalize(),
        };
        // The first block of the key stream is the mask, the rest is for the data.
        let mut stream = Ctr32BE::<C>::from_core(CtrCore::inner_iv_init(cipher, &start));
        let mut mask = Block::default();
        stream.apply_keystream(&mut mask);
        Some(Self { hash, mask, stream })
    }

    fn seal(mut self, additional: &[u8], data: &mut Vec<u8>) -> Option<()> {
        self.stream.try_apply_keystream(data).ok()?;
        let tag = hashed(self.hash, additional, data).finalize();
        data.extend(tag.iter().zip(self.mask).map(|(tag, mask)| tag ^ mask));
        Some(())
    }

    fn open(mut self, additional: &[u8], data: &mut Vec<u8>) -> Option<()> {
        let (sealed, tag) = data.split_at(data.len().checked_sub(TAG)?);
        let expected: Block = std::iter::zip(tag, self.mask).map(|(tag, mask)| tag ^ mask).collect();
        // Compared in constant time.
        hashed(self.hash, additional, sealed).verify(&expected).ok()?;
        data.truncate(data.len() - TAG);
        self.stream.try_apply_keystream(data).ok()
    }
}

/// Of two strings, each filled up to whole blocks, and their lengths in bits.
fn hashed(mut hash: GHash, first: &[u8], second: &[u8]) -> GHash {
    let bits = |bytes: &[u8]| (bytes.len() as u64 * 8).to_be_bytes();
    let mut lengths = Block::default();
    lengths[..8].copy_from_slice(&bits(first));
    lengths[8..].copy_from_slice(&bits(second));
    hash.update_padded(first);
    hash.update_padded(second);
    hash.update(&[lengths]);
    hash
}
