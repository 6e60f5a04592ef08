//! Cryptography, by `ring`, and by RustCrypto what that has not.

use std::num::NonZeroU32;

use p521::ecdsa::signature::hazmat::PrehashVerifier as _;
use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use ring::{digest, hmac, pbkdf2, signature};
use rquickjs::{Ctx, Exception, Function, Object, Result};
use uuid::Builder;

use super::bytes::{Array, copy, give, with};
use super::gcm;

pub(super) fn install<'js>(ctx: &Ctx<'js>, object: &Object<'js>) -> Result<()> {
    let random = |ctx: Ctx<'js>, count: usize| give(&ctx, &random(&ctx, count)?);
    object.set("random", Function::new(ctx.clone(), random)?)?;
    object.set("uuid", Function::new(ctx.clone(), |ctx: Ctx<'js>| uuid(&ctx))?)?;
    let digest = |ctx: Ctx<'js>, hash: String, data: Array<'js>| {
        let algorithm = Hash::named(&ctx, &hash)?.digest();
        give(&ctx, with(&data, |data| digest::digest(algorithm, data)).as_ref())
    };
    object.set("digest", Function::new(ctx.clone(), digest)?)?;
    let hmac = |ctx: Ctx<'js>, hash: String, key: Array<'js>, data: Array<'js>| {
        let key = with(&key, |key| Hash::named(&ctx, &hash).map(|hash| hmac::Key::new(hash.hmac(), key)))?;
        give(&ctx, with(&data, |data| hmac::sign(&key, data)).as_ref())
    };
    object.set("hmac", Function::new(ctx.clone(), hmac)?)?;
    let verify_hmac = |ctx: Ctx<'js>, hash: String, key: Array<'js>, data: Array<'js>, tag: Array<'js>| {
        let key = with(&key, |key| Hash::named(&ctx, &hash).map(|hash| hmac::Key::new(hash.hmac(), key)))?;
        Ok::<_, rquickjs::Error>(with(&data, |data| with(&tag, |tag| hmac::verify(&key, data, tag).is_ok())))
    };
    object.set("verifyHmac", Function::new(ctx.clone(), verify_hmac)?)?;
    let ed25519 = |key: Array<'js>, data: Array<'js>, signed: Array<'js>| {
        verify(&signature::ED25519, &key, &data, &signed)
    };
    object.set("verifyEd25519", Function::new(ctx.clone(), ed25519)?)?;
    let ecdsa = |curve: String, hash: String, key: Array<'js>, data: Array<'js>, signed: Array<'js>| {
        verify_ecdsa(&curve, &hash, &key, &data, &signed)
    };
    object.set("verifyEcdsa", Function::new(ctx.clone(), ecdsa)?)?;
    let seal = |ctx: Ctx<'js>, key: Array<'js>, iv: Array<'js>, additional: Array<'js>, data: Array<'js>| {
        let mut data = copy(&data);
        if with(&iv, <[u8]>::len) != NONCE_LEN {
            let sealed = all(&key, &iv, &additional, |key, iv, aad| gcm::seal(key, iv, aad, &mut data));
            sealed.ok_or_else(|| invalid(&ctx))?;
            return give(&ctx, &data);
        }
        let (key, nonce) = aes(&ctx, &key, &iv)?;
        let sealed = with(&additional, |aad| key.seal_in_place_append_tag(nonce, Aad::from(aad), &mut data));
        sealed.map_err(|_| Exception::throw_message(&ctx, "AES-GCM: the data is too long"))?;
        give(&ctx, &data)
    };
    object.set("seal", Function::new(ctx.clone(), seal)?)?;
    let open = |ctx: Ctx<'js>, key: Array<'js>, iv: Array<'js>, additional: Array<'js>, data: Array<'js>| {
        let mut data = copy(&data);
        if with(&iv, <[u8]>::len) != NONCE_LEN {
            let opened = all(&key, &iv, &additional, |key, iv, aad| gcm::open(key, iv, aad, &mut data));
            return opened.map(|()| give(&ctx, &data)).transpose();
        }
        let (key, nonce) = aes(&ctx, &key, &iv)?;
        let opened = with(&additional, |aad| key.open_in_place(nonce, Aad::from(aad), &mut data).ok());
        opened.map(|plain| give(&ctx, plain)).transpose()
    };
    object.set("open", Function::new(ctx.clone(), open)?)?;
    let pbkdf2 =
        |ctx: Ctx<'js>, hash: String, secret: Array<'js>, salt: Array<'js>, rounds: u32, length: usize| {
            let algorithm = Hash::named(&ctx, &hash)?.pbkdf2();
            let rounds = NonZeroU32::new(rounds).unwrap_or(NonZeroU32::MIN);
            let mut out = vec![0; length];
            with(&secret, |secret| {
                with(&salt, |salt| pbkdf2::derive(algorithm, rounds, salt, secret, &mut out));
            });
            give(&ctx, &out)
        };
    object.set("pbkdf2", Function::new(ctx.clone(), pbkdf2)?)?;
    Ok(())
}

fn random(ctx: &Ctx<'_>, count: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Exception::throw_message(ctx, "the system has no randomness"))?;
    Ok(bytes)
}

fn uuid(ctx: &Ctx<'_>) -> Result<String> {
    let bytes = random(ctx, 16)?;
    let mut whole = [0; 16];
    whole.copy_from_slice(&bytes);
    Ok(Builder::from_random_bytes(whole).into_uuid().to_string())
}

fn verify(
    algorithm: &'static dyn signature::VerificationAlgorithm,
    key: &Array<'_>,
    data: &Array<'_>,
    signed: &Array<'_>,
) -> bool {
    let key = signature::UnparsedPublicKey::new(algorithm, copy(key));
    with(data, |data| with(signed, |signed| key.verify(data, signed).is_ok()))
}

/// A signature is the two numbers one behind the other.
fn verify_ecdsa(curve: &str, hash: &str, key: &Array<'_>, data: &Array<'_>, signed: &Array<'_>) -> bool {
    let der: &'static dyn signature::VerificationAlgorithm = match (curve, hash) {
        ("P-256", "SHA-256") => return verify(&signature::ECDSA_P256_SHA256_FIXED, key, data, signed),
        ("P-384", "SHA-384") => return verify(&signature::ECDSA_P384_SHA384_FIXED, key, data, signed),
        ("P-256", "SHA-384") => &signature::ECDSA_P256_SHA384_ASN1,
        ("P-384", "SHA-256") => &signature::ECDSA_P384_SHA256_ASN1,
        ("P-521", _) => return verify_p521(hash, key, data, signed),
        _ => return false,
    };
    let size = if curve == "P-256" { 64 } else { 96 };
    // There is no algorithm of this sort for the pair as it is.
    let signed = copy(signed);
    if signed.len() != size {
        return false;
    }
    let (r, s) = signed.split_at(size / 2);
    let numbers = [der_integer(r), der_integer(s)].concat();
    // At most 2 * (2 + 49) bytes, so that one byte has the length.
    let Ok(len) = u8::try_from(numbers.len()) else { return false };
    let signed = [&[0x30, len][..], &numbers].concat();
    let key = signature::UnparsedPublicKey::new(der, copy(key));
    with(data, |data| key.verify(data, &signed).is_ok())
}

fn verify_p521(hash: &str, key: &Array<'_>, data: &Array<'_>, signed: &Array<'_>) -> bool {
    let Some(hash) = Hash::of(hash) else { return false };
    let digest = with(data, |data| digest::digest(hash.digest(), data));
    // As the number that it is: shorter ones than half the field are refused, though the standard has them.
    let mut number = [0; 66];
    number[66 - digest.as_ref().len()..].copy_from_slice(digest.as_ref());
    let key = with(key, p521::ecdsa::VerifyingKey::from_sec1_bytes);
    let signed = with(signed, p521::ecdsa::Signature::from_slice);
    key.and_then(|key| key.verify_prehash(&number, &signed?)).is_ok()
}

/// A number without a sign as DER has it: no leading zeros, but one before a first bit that is set.
fn der_integer(number: &[u8]) -> Vec<u8> {
    let from = number.iter().position(|&byte| byte != 0).unwrap_or(number.len().saturating_sub(1));
    let number = &number[from..];
    let pad = number.first().is_some_and(|byte| byte & 0x80 != 0);
    let len = u8::try_from(number.len() + usize::from(pad)).unwrap_or(u8::MAX);
    [&[2, len][..], if pad { &[0] } else { &[] }, number].concat()
}

/// The bytes of all three.
fn all<T>(
    key: &Array<'_>,
    iv: &Array<'_>,
    additional: &Array<'_>,
    call: impl FnOnce(&[u8], &[u8], &[u8]) -> T,
) -> T {
    with(key, |key| with(iv, |iv| with(additional, |additional| call(key, iv, additional))))
}

fn invalid(ctx: &Ctx<'_>) -> rquickjs::Error {
    Exception::throw_type(ctx, "AES-GCM: the key or the iv has the wrong length")
}

fn aes(ctx: &Ctx<'_>, key: &Array<'_>, iv: &Array<'_>) -> Result<(LessSafeKey, Nonce)> {
    let key =
        with(key, |key| UnboundKey::new(if key.len() == 16 { &AES_128_GCM } else { &AES_256_GCM }, key));
    let nonce = with(iv, Nonce::try_assume_unique_for_key);
    Ok((LessSafeKey::new(key.map_err(|_| invalid(ctx))?), nonce.map_err(|_| invalid(ctx))?))
}

/// The hashes that there are.
#[derive(Clone, Copy)]
enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    fn named(ctx: &Ctx<'_>, name: &str) -> Result<Self> {
        Self::of(name).ok_or_else(|| Exception::throw_type(ctx, "unknown hash"))
    }

    fn of(name: &str) -> Option<Self> {
        match name {
            "SHA-1" => Some(Self::Sha1),
            "SHA-256" => Some(Self::Sha256),
            "SHA-384" => Some(Self::Sha384),
            "SHA-512" => Some(Self::Sha512),
            _ => None,
        }
    }

    fn digest(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }

    fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha384 => hmac::HMAC_SHA384,
            Self::Sha512 => hmac::HMAC_SHA512,
        }
    }

    fn pbkdf2(self) -> pbkdf2::Algorithm {
        match self {
            Self::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
            Self::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Self::Sha384 => pbkdf2::PBKDF2_HMAC_SHA384,
            Self::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        }
    }
}
