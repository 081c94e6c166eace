//! Enrollment: the one call without a certificate.

use std::sync::Arc;

use identity::{EnrolmentToken, Redeemed};
use proto::v1::enroll_request::Proof;
use proto::v1::enrollment_server::Enrollment;
use proto::v1::{EnrollReply, EnrollRequest};
use tokio::sync::mpsc;
use tonic::{Request, Response, Status};

use crate::controller::Input;
use crate::enrolments::Enrolments;

#[derive(Debug)]
pub(crate) struct EnrollApi {
    pub(crate) run: String,
    pub(crate) enrolments: Arc<Enrolments>,
    pub(crate) inputs: mpsc::Sender<Input>,
}

#[tonic::async_trait]
impl Enrollment for EnrollApi {
    async fn enroll(
        &self,
        request: Request<EnrollRequest>,
    ) -> Result<Response<EnrollReply>, Status> {
        let request = request.into_inner();
        // One answer for every refusal: a peer learns nothing by trying.
        let refused = || Status::permission_denied("enrollment refused");
        let worker = crate::worker_id(&request.instance).ok_or_else(refused)?;
        let Some(Proof::Token(token)) = &request.proof else {
            return Err(refused());
        };
        let token: EnrolmentToken = token.parse().map_err(|_| refused())?;
        let enrolled =
            self.enrolments
                .enroll(&request.instance, &token, &request.certificate_request);
        match enrolled {
            Ok((chain, redeemed)) => {
                let again = redeemed == Redeemed::Again;
                log::info!(run = self.run.as_str(), worker:% = worker, again; "enrolled");
                let gone = |_| Status::unavailable("the run is over");
                self.inputs
                    .send(Input::Enrolled(worker))
                    .await
                    .map_err(gone)?;
                let certificate_chain = vec![chain.leaf.into(), chain.authority.into()];
                Ok(Response::new(EnrollReply { certificate_chain }))
            }
            Err(error) => {
                log::warn!(run = self.run.as_str(), security_event = true; "enrollment refused: {error}");
                Err(refused())
            }
        }
    }
}
