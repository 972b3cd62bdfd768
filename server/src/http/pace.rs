//! How fast one caller may ask: so many requests a second each, so that none pays for another's haste.

use crate::auth::{Credential, Principal};
use crate::error::ApiError;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use servoir_types::Kind;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// How often those who have been quiet are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(10);

/// The pace of every caller, by a clock.
pub struct Pace<C: Clock = DefaultClock>(Option<Limiter<C>>);

struct Limiter<C: Clock> {
    callers: RateLimiter<Caller, DashMapStateStore<Caller>, C, NoOpMiddleware<C::Instant>>,
    per_second: NonZeroU32,
}

/// Whose requests are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Caller {
    /// A key or the subject of tokens, in an organization.
    Known(Arc<str>, Arc<str>),
    /// Whoever is behind an address; of version 6, a network of 64 bits, which is what one customer has.
    Address(IpAddr),
}

impl Caller {
    fn of(principal: Option<&Principal>, address: IpAddr) -> Self {
        match principal {
            Some(principal) if principal.credential != Credential::Off => {
                Self::Known(Arc::clone(&principal.organization), Arc::clone(&principal.subject))
            }
            _ => Self::Address(match address {
                IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
                address => address,
            }),
        }
    }
}

impl Pace {
    /// So many requests a second, and as many at once after a second of silence; 0 for as many as they like.
    pub fn new(per_second: u32) -> Self {
        Self::by(DefaultClock::default(), per_second)
    }
}

impl<C: Clock> Pace<C> {
    fn by(clock: C, per_second: u32) -> Self {
        Self(NonZeroU32::new(per_second).map(|per_second| Limiter {
            callers: RateLimiter::dashmap_with_clock(Quota::per_second(per_second), clock),
            per_second,
        }))
    }

    /// Lets a request in, or says when to come again. Who is not known is counted by address, so that keys are not guessed
    /// any faster.
    ///
    /// # Errors
    /// 429 `rate-limited`.
    pub fn check(&self, principal: Option<&Principal>, address: IpAddr) -> Result<(), ApiError> {
        let Some(Limiter { callers, per_second }) = &self.0 else { return Ok(()) };
        let Err(not_until) = callers.check_key(&Caller::of(principal, address)) else { return Ok(()) };
        let wait = not_until.wait_time_from(callers.clock().now());
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let detail = format!("you may ask {per_second} times a second; come again in {} ms", wait.as_millis().max(1));
        let refused = ApiError::new(Kind::Overloaded, "rate-limited", detail);
        Err(ApiError { retry_after_seconds: Some(seconds.max(1)), ..refused })
    }

    /// Forgets those who have been quiet, for ever.
    pub async fn keep_small(&self) {
        let Some(Limiter { callers, .. }) = &self.0 else { return };
        loop {
            tokio::time::sleep(FORGET_EVERY).await;
            callers.retain_recent();
            callers.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;

    fn principal(subject: &str, credential: Credential) -> Principal {
        Principal { subject: subject.into(), organization: "org".into(), scopes: [].into(), credential }
    }

    #[test]
    fn each_caller_has_a_pace_of_its_own() {
        let clock = FakeRelativeClock::default();
        let pace = Pace::by(clock.clone(), 3);
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let (ada, bob) = (principal("ada", Credential::ApiKey), principal("bob", Credential::Jwt));
        let anybody = principal("anonymous", Credential::Off);
        let here = address("10.0.0.1");
        for (who, from) in [
            (Some(&ada), here),
            (Some(&bob), here),
            (None, here),
            (Some(&anybody), address("10.0.0.2")),
            (None, address("2001:db8::1")),
            (None, address("2001:db8:0:1::1")),
        ] {
            for _ in 0..3 {
                pace.check(who, from).unwrap();
            }
            let refused = pace.check(who, from).unwrap_err();
            assert_eq!((refused.code, refused.retry_after_seconds), ("rate-limited", Some(1)), "{refused:?}");
        }
        // Another address does not help who is known; another host of the same network does not help who is not.
        assert!(pace.check(Some(&ada), address("10.0.0.9")).is_err());
        assert!(pace.check(None, address("2001:db8::2")).is_err());
        assert!(pace.check(Some(&anybody), here).is_err(), "without authentication it is the address that counts");
        // A third of a second makes a place, and a second no more places than there were.
        for (passed, let_in) in
            [(Duration::from_millis(334), 1), (Duration::from_secs(1), 3), (Duration::from_secs(9), 3)]
        {
            clock.advance(passed);
            assert_eq!((0..9).filter(|_| pace.check(Some(&ada), here).is_ok()).count(), let_in, "after {passed:?}");
        }
    }

    #[test]
    fn nobody_is_held_up_without_a_limit() {
        let pace = Pace::new(0);
        for _ in 0..1000 {
            pace.check(None, "10.0.0.1".parse().unwrap()).unwrap();
        }
    }
}
