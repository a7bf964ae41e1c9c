// What the .NET adapters share: cases in on stdin, outcomes out on stdout, one JSON line each, in time.

using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Wirelab;

/// <summary>One case of the lab. Fields that are not here are ignored.</summary>
record Case(
    long Id, string Host, int Port, bool Tls, bool Verify, string Ca, string? ClientCert, string? ClientKey,
    string? ClientPfx, string Username, string Password, string Key, string Value, string? Stackexchange,
    string? Topology, string? Service, string? Client, int DeadlineMs)
{
    /// <summary>Milliseconds for a timeout of the library: short enough for its own error to be the answer.</summary>
    public int Timeout => Client == "keep" || IsCluster ? DeadlineMs / 5 : DeadlineMs / 2;

    public bool IsSentinel => Topology == "sentinel";
    public bool IsClearSentinel => Topology == "clear-sentinel";
    public bool IsCluster => Topology == "cluster";
}

/// <summary>A client of the library. `RoundTrip` sets the value and gives what it then got.</summary>
record Client(IDisposable Owner, Func<Case, string?> RoundTrip);

/// <summary>What the library has no way to do.</summary>
class Unsupported(string why) : Exception(why);

static class Adapter
{
    /// <summary>Milliseconds between the attempts of an application that has lost its connections.</summary>
    const int Pause = 100;

    static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>What a case left for the next one.</summary>
    static Client? kept;

    /// <summary>Where StackExchange.Redis connects: it has one setting of TLS for Sentinels and data nodes.</summary>
    public static void OneTlsSetting(Case test)
    {
        if (test.IsClearSentinel)
        {
            throw new Unsupported("StackExchange.Redis has one setting of TLS for Sentinels and data nodes");
        }
    }

    /// <summary>Answers cases until the input ends. `connect` makes a client.</summary>
    /// <param name="osStore">Whether the library trusts what the operating system trusts.</param>
    public static int Run(string name, string library, Type partOfIt, bool osStore, Func<Case, Client> connect)
    {
        var answers = Console.OpenStandardOutput();
        Console.SetOut(Console.Error);
        void Answer(object line)
        {
            answers.Write([.. JsonSerializer.SerializeToUtf8Bytes(line), (byte)'\n']);
            answers.Flush();
        }

        var runtime = RuntimeInformation.FrameworkDescription;
        if (Version("StackExchange.Redis") is string redis && library != "StackExchange.Redis")
        {
            runtime += $", StackExchange.Redis {redis}";
        }
        var pending = Environment.GetEnvironmentVariable(TrustStore.PendingCase);
        if (pending == null)
        {
            Answer(new { protocol = 1, adapter = name, library, version = Version(partOfIt.Assembly), runtime });
        }
        while ((pending ?? Console.In.ReadLine()) is string line)
        {
            pending = null;
            var test = JsonSerializer.Deserialize<Case>(line, Json)!;
            if (test.Topology is not (null or "standalone" or "cluster" or "sentinel" or "clear-sentinel"))
            {
                var error = $"the adapter knows no topology {test.Topology}";
                Answer(new { id = test.Id, outcome = "unsupported", error });
                continue;
            }
            if (osStore && test.Tls)
            {
                TrustStore.TrustAlone(test.Ca, line);
            }
            var outcome = Outcome(test, connect);
            // FreeRedis leaves the socket of a failed handshake to the garbage collector, now and then: not into the next case.
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Answer(outcome);
        }
        // Some libraries leave threads behind that would keep the process.
        Environment.Exit(0);
        return 0;
    }

    static string? RoundTrip(Case test, Func<Case, Client> connect)
    {
        var client = kept;
        kept = null;
        if (test.Client != "kept" || client == null)
        {
            client?.Owner.Dispose();
            client = connect(test);
        }
        try
        {
            // A node that the client has just been sent to is often not connected yet when it is asked.
            var mayFailAtFirst = test.Client == "kept" || test.IsCluster;
            var received = mayFailAtFirst ? Again(client, test) : client.RoundTrip(test);
            kept = test.Client == "keep" ? client : null;
            return received;
        }
        finally
        {
            if (kept == null)
            {
                client.Owner.Dispose();
            }
        }
    }

    /// <summary>
    /// As an application does: what meets the lost connection fails, and the next request comes. The library connects anew in the
    /// background, so that time counts and not how often it is asked.
    /// </summary>
    static string? Again(Client client, Case test)
    {
        var begun = Environment.TickCount64;
        while (true)
        {
            try
            {
                return client.RoundTrip(test);
            }
            catch (Exception) when (Environment.TickCount64 - begun < test.Timeout / 2)
            {
                Thread.Sleep(Pause);
            }
        }
    }

    static object Outcome(Case test, Func<Case, Client> connect)
    {
        var attempt = Task.Factory.StartNew(() => RoundTrip(test, connect), TaskCreationOptions.LongRunning);
        try
        {
            // As long as the library takes: one that hangs is for the lab to see.
            return attempt.Result == test.Value
                ? new { id = test.Id, outcome = "worked", received = attempt.Result }
                : Failed(attempt.Result, "GET returned another value than was SET");
        }
        catch (AggregateException error) when (error.InnerException is Unsupported why)
        {
            return new { id = test.Id, outcome = "unsupported", error = why.Message };
        }
        catch (AggregateException error)
        {
            return Failed(null, Causes(error.InnerException));
        }
        object Failed(string? received, string error) =>
            new { id = test.Id, outcome = "failed", received, error };
    }

    /// <summary>The error and what caused it, outermost first.</summary>
    static string Causes(Exception? error)
    {
        var texts = new List<string>();
        for (; error != null && texts.Count < 6; error = error.InnerException)
        {
            var message = error.Message.ReplaceLineEndings(" ");
            texts.Add($"{error.GetType().Name}: {message[..Math.Min(message.Length, 400)]}");
        }
        return string.Join("; caused by ", texts);
    }

    static string? Version(Assembly assembly) =>
        assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0];

    static string? Version(string assembly)
    {
        try
        {
            return Version(Assembly.Load(assembly));
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }
}
