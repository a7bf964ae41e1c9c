use crate::endpoint::Stream;
use crate::record::{Recorder, ending};
use crate::session::{Next, Session};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wirelab_model::Ending;

/// Leads a session over a stream until either side ends it.
pub async fn serve(mut stream: Box<dyn Stream>, mut session: Session, recorder: Recorder) {
    let mut buffer = vec![0; 16 << 10];
    let mut out = Vec::new();
    let mut noted = (0, 0, 0);
    loop {
        let bytes = match stream.read(&mut buffer).await {
            Ok(0) => return recorder.ended(Ending::ClientClosed),
            Ok(length) => buffer.get(..length).unwrap_or_default(),
            Err(error) => return recorder.ended(ending(&error)),
        };
        recorder.read(bytes);
        out.clear();
        let next = session.receive(bytes, &mut out);
        let now = (session.commands().len(), session.credentials().len(), session.redirected().len());
        // They only grow, up to a limit: a busy connection is not to copy them all the time.
        if now != noted {
            noted = now;
            recorder.note(|connection| {
                connection.commands = session.commands().to_vec();
                connection.credentials = session.credentials().to_vec();
                connection.redirected = session.redirected().to_vec();
            });
        }
        recorder.written(&out);
        let sent = match stream.write_all(&out).await {
            Ok(()) => stream.flush().await,
            Err(error) => Err(error),
        };
        if let Err(error) = sent {
            return recorder.ended(ending(&error));
        }
        if next == Next::Close {
            recorder.ended(Ending::ClientClosed);
            // Nothing is lost where the client is gone already.
            drop(stream.shutdown().await);
            return;
        }
    }
}
