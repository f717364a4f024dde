using System;
using System.IO;
using System.IO.Pipes;

static class Server
{
    static NamedPipeServerStream Listen(string name)
    {
        return new NamedPipeServerStream(name, PipeDirection.InOut, NamedPipeServerStream.MaxAllowedServerInstances);
    }

    static void Main(string[] args)
    {
        var next = Listen(args[0]);
        for (var line = ""; line != "stop";)
        {
            next.WaitForConnection();
            var pipe = next;
            next = Listen(args[0]); // before pipe is disposed, or clients that wait are dropped
            using (pipe)
            {
                var writer = new StreamWriter(pipe) { AutoFlush = true };
                line = new StreamReader(pipe).ReadLine();
                writer.WriteLine("got " + line);
            }
        }
        next.Dispose();
    }
}
