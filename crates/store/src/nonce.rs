//! Random names that nobody else will choose.

use std::io;

/// 128 random bits in lower-case hexadecimal, from the operating system.
pub(crate) fn nonce() -> io::Result<String> {
    let mut random = [0_u8; 16];
    let mut filled = 0;
    while filled < random.len() {
        filled +=
            rustix::rand::getrandom(&mut random[filled..], rustix::rand::GetRandomFlags::empty())?;
    }
    Ok(format!("{:032x}", u128::from_be_bytes(random)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn has_128_bits_and_differs() {
        let one = super::nonce().unwrap();
        assert_eq!(one.len(), 32);
        assert!(one.bytes().all(|b| b.is_ascii_hexdigit()));
        assert_ne!(one, super::nonce().unwrap());
    }
}
