// StackExchange.Redis as an adapter of the lab: `--adapter`, with one of the ways in `Ways`.

using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using StackExchange.Redis;
using Wirelab;

static class StackExchangeAdapter
{
    /// <summary>How an application sets TLS up.</summary>
    /// <param name="Trust">Decides about the server's certificate.</param>
    /// <param name="Show">Sets the client's own certificate; none: as the library's README says.</param>
    /// <param name="OsStore">The operating system's store is asked first, and callbacks see what it says.</param>
    /// <param name="Keys">What is added to the configuration string.</param>
    record Way(
        Action<ConfigurationOptions, Case> Trust, Action<ConfigurationOptions, Case>? Show = null,
        bool OsStore = false, Func<Case, string>? Keys = null);

    static readonly Dictionary<string, Way> Ways = new()
    {
        ["--trust-issuer"] = new(TrustIssuer),
        ["--os-store"] = new((_, _) => { }, OsStore: true),
        ["--accept-any"] = new(AcceptAny),
        ["--ignore-chain"] = new((options, _) => options.CertificateValidation += (_, _, _, errors) =>
            (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) == SslPolicyErrors.None),
        ["--ignore-name"] = new((options, _) => options.CertificateValidation += (_, _, _, errors) =>
            (errors & ~SslPolicyErrors.RemoteCertificateNameMismatch) == SslPolicyErrors.None, OsStore: true),
        ["--environment"] = new(
            (_, test) => Environment.SetEnvironmentVariable("SERedis_IssuerCertPath", test.Ca),
            (_, test) => ShowByEnvironment(test)),
        ["--sslcert"] = new(TrustIssuer, Keys: test => $"sslcert={test.ClientCert},sslkey={test.ClientKey}"),
        ["--string"] = new((_, _) => { }, OsStore: true, Keys: test =>
            $"sslHost={test.Host},sslProtocols=Tls12|Tls13,checkCertificateRevocation=false"),
#if HAS_PEM
        ["--pfx"] = new(TrustIssuer, (options, test) => options.SetUserPfxCertificate(test.ClientPfx!, "")),
        ["--chain-policy"] = new((options, test) => ChainPolicy(options, test, X509RevocationMode.NoCheck)),
        ["--revocation"] = new((options, test) => ChainPolicy(options, test, X509RevocationMode.Online)),
#endif
    };

    /// <summary>What the library reads in the environment where no code sets a certificate.</summary>
    static readonly string[] Variables =
    [
        "SERedis_IssuerCertPath", "SERedis_ClientCertPfxPath", "SERedis_ClientCertPemPath",
        "SERedis_ClientCertPasswordPath",
    ];

    public static int Run(string[] args)
    {
        var name = args.SingleOrDefault("--trust-issuer");
        if (!Ways.TryGetValue(name, out var way))
        {
            Console.Error.WriteLine($"unknown argument {name}; known are {string.Join(", ", Ways.Keys)}");
            return 2;
        }
        return Adapter.Run("stackexchange-redis", "StackExchange.Redis", typeof(ConnectionMultiplexer), way.OsStore, test =>
        {
            var connection = ConnectionMultiplexer.Connect(Options(test, way));
            var database = connection.GetDatabase();
            return new(connection, test =>
            {
                database.StringSet(test.Key, test.Value);
                return database.StringGet(test.Key);
            });
        });
    }

    static ConfigurationOptions Options(Case test, Way way)
    {
        // What an earlier case put there is not to count.
        foreach (var name in Variables)
        {
            Environment.SetEnvironmentVariable(name, null);
        }
        Adapter.OneTlsSetting(test);
        var options = Parse(test, way);
        // Few attempts, and quick ones. The lab wants to see the first.
        options.AbortOnConnectFail = true;
        options.ConnectRetry = 1;
        options.ConnectTimeout = options.SyncTimeout = options.AsyncTimeout = test.Timeout;
        if (test.IsSentinel)
        {
            options.ServiceName ??= test.Service;
        }
        if (options.Ssl)
        {
            if (test.Verify)
            {
                way.Trust(options, test);
            }
            else
            {
                AcceptAny(options, test);
            }
            if (test.ClientCert != null)
            {
                (way.Show ?? SetClientCertificate)(options, test);
            }
        }
        return options;
    }

    /// <summary>
    /// The configuration string. Strings with `sslcert=` and `sslkey=` are in circulation, but StackExchange.Redis has no
    /// such keys and throws: they are taken out, and their author gets the client certificate that was meant.
    /// </summary>
    static ConfigurationOptions Parse(Case test, Way way)
    {
        var text = test.Stackexchange!;
        var isFor = (string token, string key) => token.Trim().StartsWith(key, StringComparison.OrdinalIgnoreCase);
        if (test.Tls && way.Keys != null)
        {
            var keys = way.Keys(test).Split(',').Where(key => !key.EndsWith('='));
            text = string.Join(',', keys.Prepend(text));
        }
        var tokens = text.Split(',');
        var known = tokens.Where(token => !isFor(token, "sslcert=") && !isFor(token, "sslkey=")).ToArray();
        if (tokens.Length - known.Length is not (0 or 2))
        {
            throw new ArgumentException("sslcert= and sslkey= go together, and one of them is missing");
        }
        if (known.Length < tokens.Length)
        {
            Console.Error.WriteLine("StackExchange.Redis knows no sslcert= and sslkey=; the adapter sets what was meant");
        }
        return ConfigurationOptions.Parse(string.Join(',', known));
    }

    static void TrustIssuer(ConfigurationOptions options, Case test) => options.TrustIssuer(test.Ca);

    static void AcceptAny(ConfigurationOptions options, Case test) =>
        options.CertificateValidation += (_, _, _, _) => true;

    static void ShowByEnvironment(Case test)
    {
#if HAS_PEM
        Environment.SetEnvironmentVariable("SERedis_ClientCertPemPath", test.ClientCert);
        // Its name says password; it is the path of the key.
        Environment.SetEnvironmentVariable("SERedis_ClientCertPasswordPath", test.ClientKey);
#else
        Environment.SetEnvironmentVariable("SERedis_ClientCertPfxPath", test.ClientPfx);
#endif
    }

    static void SetClientCertificate(ConfigurationOptions options, Case test)
    {
#if HAS_PEM
        options.SetUserPemCertificate(test.ClientCert!, test.ClientKey!);
#else
        // Before 2.8.37 an application selects it by itself.
        var pair = X509Certificate2.CreateFromPemFile(test.ClientCert!, test.ClientKey!);
        options.CertificateSelection += (_, _, _, _, _) => pair;
#endif
    }

#if HAS_PEM
    /// <summary>
    /// .NET's own rules with the authority as the only root. It stands for all other TLS options. Lists of revoked certificates
    /// are fetched where that is asked for, and a certificate is taken where nothing can be learned of it.
    /// </summary>
    static void ChainPolicy(ConfigurationOptions options, Case test, X509RevocationMode revocation) =>
        options.SslClientAuthenticationOptions = host =>
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = revocation,
            RevocationFlag = X509RevocationFlag.ExcludeRoot,
            VerificationFlags = X509VerificationFlags.IgnoreEndRevocationUnknown
                | X509VerificationFlags.IgnoreCertificateAuthorityRevocationUnknown,
            UrlRetrievalTimeout = TimeSpan.FromMilliseconds(test.Timeout),
        };
        policy.CustomTrustStore.ImportFromPemFile(test.Ca);
        return new SslClientAuthenticationOptions
        {
            TargetHost = host,
            CertificateChainPolicy = policy,
            ClientCertificates = test.ClientCert == null
                ? null
                : [X509Certificate2.CreateFromPemFile(test.ClientCert, test.ClientKey)],
        };
    };
#endif
}
